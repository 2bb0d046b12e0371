"""HTTP/1.1 on the socket: sizes, counts, times and connections within limits, and refusals in FHIR.

`HttpProtocol` is the class that uvicorn makes one of for each connection. It is where a client's certificate will
come from.
"""

from fhir_bridge.protocol.connection import HttpProtocol
from fhir_bridge.protocol.status_lines import use_registered_phrases

use_registered_phrases()

__all__ = ["HttpProtocol"]
