"""Training that goes on on the other side of a file; see files_live.py."""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
COMMAND = [sys.executable, "-B", os.path.join(HERE, "files_live.py"), "training"]
sys.exit(subprocess.run(COMMAND, check=False).returncode)
