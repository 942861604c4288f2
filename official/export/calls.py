"""How an exported model is called: the last section of its card."""

from official.export import formats
from official.run.export_options import ExportOptions
from preprocessing import checks

_CALL = """\
`image_bytes` takes encoded images, as they are on the disk; DIR is the folder of this card.

    python -m official.predict --saved_model DIR photo.jpg

or without this program:

    import tensorflow as tf
    served = tf.saved_model.load("DIR")
    classify = served.signatures["serving_default"]
    with open("photo.jpg", "rb") as file:
        answer = classify(image_bytes=tf.constant([file.read()]))
    %s

`status` is 0 for a good image; others have zeros, and class -1: %s.

With TensorFlow Serving, or `python -m official.serve --saved_model DIR`, over REST:

    (printf '{"instances": [{"b64": "'; base64 -w0 photo.jpg; printf '"}]}') \\
      | curl -d @- http://127.0.0.1:8501/v1/models/model:predict

and over gRPC (`pip install --no-deps tensorflow-serving-api`):

    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
    channel = grpc.insecure_channel("127.0.0.1:8500")
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "model"
    request.model_spec.signature_name = "serving_default"
    with open("photo.jpg", "rb") as file:
        images = [file.read()]
    request.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto(images))
    answer = stub.Predict(request, timeout=10).outputs

`python -m official.predict --server 127.0.0.1:8501 --saved_model DIR photo.jpg` is a client for
both, with batches and retries.
"""
# How the other formats are called, by package.
_CALLS = {
    "onnx": """\
    import onnxruntime
    session = onnxruntime.InferenceSession("DIR/model.onnx")
    answer = dict(zip([o.name for o in session.get_outputs()], session.run(None, {"images": x})))
""",
    "tflite": """\
    from ai_edge_litert.interpreter import Interpreter
    answer = Interpreter("DIR/%s").get_signature_runner()(images=x)
""",
    "openvino": """\
    import openvino
    model = openvino.compile_model("DIR/openvino/model.xml", "CPU",
                                   {"INFERENCE_PRECISION_HINT": "f32"})
    answer = {output.get_any_name(): value for output, value in model(x).items()}
""",
}


def text(options: ExportOptions) -> str:
    """Returns how a model that was exported so is called, as Markdown."""
    parts = []
    if "savedmodel" in options.format:
        outputs = 'answer["embedding"]  # float32 [N, D]'
        if not options.export_embedding_only:
            outputs = 'answer["classes"], answer["probabilities"]  # int64 [N], float32 [N, C]'
        meanings = "; ".join(f"{status} {said}" for status, said in checks.MEANINGS.items())
        parts.append(_CALL % (outputs, meanings))
    if options.others:
        parts.append(
            "The other formats take prepared images: `x` is float32 [N, S, S, 3] to which was done "
            "what stands under Images.\n"
        )
    for name in options.others:
        one = formats.FORMATS[name]
        call = _CALLS[one.runtime]
        parts.append(call % one.file if "%s" in call else call)
    return "\n".join(parts)
