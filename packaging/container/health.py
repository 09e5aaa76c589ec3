"""The container's health check: whether the service can make progress, asked through its local socket."""

from __future__ import annotations

import http.client
import sys

from filmscand.daemon.station.configuration import load_station
from filmscand.daemon.station.service_socket import connect_locally

# Below the time limit of the check in the Containerfile.
TIMEOUT_S = 15.0

client = connect_locally(load_station(), TIMEOUT_S)
if client is None:
    sys.exit("the service does not listen")
connection = http.client.HTTPConnection("localhost")
connection.sock = client
connection.request("GET", "/healthz")
answer = connection.getresponse()
print(answer.read().decode())
sys.exit(0 if answer.status == http.client.OK else 1)
