"""How a script's process and the sandbox talk over the script's socket."""

import struct

# The process's first message: its id as the sandbox sees it. The socket for its calls to AWS comes with it.
HELLO = struct.Struct("!I")
# Before the job and before the answer, which are JSON.
LENGTH = struct.Struct("!Q")
