#!/usr/bin/env python3
"""A phone in a browser, as far as the wire can tell: WebSocket by RFC 6455 and digest by RFC 2617 from
the standard library alone, so that nothing of ours is on this side. websocket.py PORT USER PASSWORD"""

import base64
import hashlib
import os
import re
import socket
import struct
import sys

PORT, USER, PASSWORD = int(sys.argv[1]), sys.argv[2], sys.argv[3]


def upgrade(protocol):
    stream = socket.create_connection(("127.0.0.1", PORT), timeout=120)
    key = base64.b64encode(os.urandom(16)).decode()
    stream.sendall(
        f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{PORT}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nOrigin: http://127.0.0.1\r\n"
        f"Sec-WebSocket-Protocol: {protocol}\r\n\r\n".encode()
    )
    head = b""
    while b"\r\n\r\n" not in head:
        more = stream.recv(1)
        assert more, head
        head += more
    status, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (l.partition(":") for l in lines)}
    if " 101 " not in status:
        return None
    magic = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    assert headers["sec-websocket-accept"] == base64.b64encode(hashlib.sha1(magic.encode()).digest()).decode()
    assert headers["sec-websocket-protocol"] == "sip", headers
    return stream


def frame(opcode, payload, final=True):
    mask = os.urandom(4)
    size = len(payload)
    head = bytes([(0x80 if final else 0) | opcode])
    head += bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + struct.pack(">H", size)
    return head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


def exactly(stream, size):
    out = b""
    while len(out) < size:
        more = stream.recv(size - len(out))
        assert more, "closed"
        out += more
    return out


def receive(stream):
    first, size = exactly(stream, 2)
    assert not size & 0x80, "a server does not mask"
    if size == 126:
        size = struct.unpack(">H", exactly(stream, 2))[0]
    assert first & 0x80, "one message, one frame"
    return first & 15, exactly(stream, size)


def register(number, more):
    return (
        f"REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK{number}x\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:{USER}@127.0.0.1>;tag=w1\r\nTo: <sip:{USER}@127.0.0.1>\r\n"
        f"Call-ID: websocket\r\nCSeq: {number} REGISTER\r\n"
        f"Contact: <sip:{USER}@df7jal23ls0d.invalid;transport=ws>;expires=600\r\n"
        f"User-Agent: \u00fcber\r\n{more}Content-Length: 0\r\n\r\n"
    ).encode()


def digest(text):
    return hashlib.md5(text.encode()).hexdigest()


assert upgrade("chat") is None, "a browser that does not speak SIP was let in"
stream = upgrade("sip")
# Text, then, with credentials, in two fragments with a ping between them, as binary.
stream.sendall(frame(1, register(1, "")))
opcode, answer = receive(stream)
assert opcode == 1 and answer.startswith(b"SIP/2.0 401 "), answer
challenge = dict(re.findall(r'(\w+)="?([^",\r\n]*)"?', re.search(rb"Digest (.*)\r\n", answer)[1].decode()))
ha1 = digest(f"{USER}:{challenge['realm']}:{PASSWORD}")
ha2 = digest("REGISTER:sip:127.0.0.1")
response = digest(f"{ha1}:{challenge['nonce']}:00000001:c:auth:{ha2}")
message = register(
    2,
    f'Authorization: Digest username="{USER}", realm="{challenge["realm"]}", nonce="{challenge["nonce"]}", '
    f'uri="sip:127.0.0.1", response="{response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="c"\r\n',
)
stream.sendall(frame(2, message[:100], final=False) + frame(9, b"there?") + frame(0, message[100:]))
seen = {}
while len(seen) < 2:
    opcode, answer = receive(stream)
    seen[opcode] = answer
assert seen[10] == b"there?", seen
assert seen[1].startswith(b"SIP/2.0 200 ") and b".invalid" in seen[1], seen
assert b"received=127.0.0.1" in seen[1]
# Keep-alives as on a stream.
stream.sendall(frame(1, b"\r\n\r\n"))
assert receive(stream) == (1, b"\r\n")
stream.sendall(frame(8, struct.pack(">H", 1000)))
opcode, _ = receive(stream)
assert opcode == 8, "the close is answered"
print("a WebSocket client registered with digest")
