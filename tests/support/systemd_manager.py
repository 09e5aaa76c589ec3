"""What systemd's manager hears over its socket."""


def heard(receiver):
    return receiver.recv(4096).decode().split("\n")
