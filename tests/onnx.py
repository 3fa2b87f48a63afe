"""Runs ONNX files in onnxruntime: onnx.py JOBS.json, a list of {"model": path, "inputs": {name:
{"shape", "values"}}}. Prints a list with each job's outputs in the same form."""

import json
import sys

import numpy
import onnx
import onnxruntime


def outputs_of(job):
    onnx.checker.check_model(job["model"], full_check=True)
    session = onnxruntime.InferenceSession(job["model"], providers=["CPUExecutionProvider"])
    inputs = {
        name: numpy.array(it["values"], numpy.float32).reshape(it["shape"])
        for name, it in job["inputs"].items()
    }
    names = [output.name for output in session.get_outputs()]
    outputs = session.run(names, inputs)
    return {
        name: {"shape": values.shape, "values": values.ravel().tolist()}
        for name, values in zip(names, outputs)
    }


with open(sys.argv[1], encoding="utf-8") as jobs:
    print(json.dumps([outputs_of(job) for job in json.load(jobs)]))
