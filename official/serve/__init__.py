"""An exported model behind HTTP, and the client of such a server or of TensorFlow Serving."""
