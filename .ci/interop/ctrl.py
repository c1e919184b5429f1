"""Drives baresip by its ctrl_tcp: `ctrl.py PORT PATIENCE STEP…`. A step is `command [parameter]`, sent and answered, or
`!TYPE`, an event that has to come first."""
import json
import socket
import sys
import time

patience = int(sys.argv[2])
deadline = time.monotonic() + patience
while True:
    try:
        link = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        break
    except ConnectionRefusedError:
        if time.monotonic() > deadline:
            sys.exit("baresip does not listen")
        time.sleep(0.1)
link.settimeout(patience)
held = b""
events = []


def message():
    """The next netstring."""
    global held
    while True:
        length, colon, rest = held.partition(b":")
        if colon and len(rest) > int(length):
            held = rest[int(length) + 1:]
            return json.loads(rest[:int(length)])
        more = link.recv(65536)
        if not more:
            sys.exit(f"baresip is gone; events: {events}")
        held += more


for step in sys.argv[3:]:
    if step.startswith("!"):
        while step[1:] not in events:
            told = message()
            if told.get("event"):
                events.append(told["type"])
        events.remove(step[1:])
    else:
        command, _, params = step.partition(" ")
        body = json.dumps({"command": command, "params": params, "token": step})
        link.sendall(f"{len(body)}:{body},".encode())
        while (told := message()).get("token") != step:
            if told.get("event"):
                events.append(told["type"])
        if not told.get("ok"):
            sys.exit(f"{step}: {told}")
    print(step, flush=True)
