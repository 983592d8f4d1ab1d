"""Runs a benchmark script whose PyTorch side computes on the CPU on the GPU, without a change in its source.

usage: torch_on_gpu.py SCRIPT ARGUMENTS...
"""

import runpy
import sys

import torch

torch.set_default_device("cuda")  # modules, random numbers
from_numpy, to_numpy = torch.from_numpy, torch.Tensor.numpy
torch.from_numpy = lambda array: from_numpy(array).to("cuda")
torch.Tensor.numpy = lambda tensor, **options: to_numpy(tensor.cpu(), **options)

sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
