"""A gRPC server of TensorFlow Serving's PredictionService, from its stubs, for tests of the client.

TensorFlow Serving's own binary cannot be had from a package index.
"""

import concurrent.futures

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc


class Servicer(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers Predict with an exported model, after it has failed as often as asked to.

    `seen` has the number of images of each request.
    """

    def __init__(self, served, failures=()):
        self.served, self.failures, self.seen = served, list(failures), []

    def Predict(self, request, context):  # noqa: N802, the name of the API
        if self.failures:
            context.abort(self.failures.pop(0), "as asked to")
        if request.model_spec.name != "model":
            context.abort(
                grpc.StatusCode.NOT_FOUND,
                f"Servable not found for request: Latest({request.model_spec.name})",
            )
        assert request.model_spec.signature_name == "serving_default"
        encoded = tf.make_ndarray(request.inputs["image_bytes"]).tolist()
        self.seen.append(len(encoded))
        answer = predict_pb2.PredictResponse()
        answer.model_spec.CopyFrom(request.model_spec)
        for name, values in self.served.answers(encoded).items():
            answer.outputs[name].CopyFrom(tf.make_tensor_proto(values))
        return answer


def start(servicer) -> tuple[grpc.Server, int]:
    """Starts it on a free port of this machine."""
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port
