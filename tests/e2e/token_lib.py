"""An introspection endpoint (RFC 7662) for tests, which may misbehave."""

import http.server
import json
import socket
import threading
import urllib.parse

from harness import PATIENCE


class Endpoint(http.server.ThreadingHTTPServer):
    """An introspection endpoint on loopback.  answers: token -> what it
    says; counts what it was asked."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, cert=None, port=0):
        self.answers = {}
        self.asked = []
        self.connections = 0
        self.auth = None
        self.release = threading.Event()
        super().__init__(("127.0.0.1", port), Handler)
        self.port = self.server_address[1]
        self.tls = cert is not None
        if cert is not None:
            self.context = cert.context()
        self.thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def url(self, host="localhost"):
        return "%s://%s:%d/introspect?x=y" % ("https" if self.tls else "http", host, self.port)

    def finish_request(self, request, client):
        self.connections += 1
        try:
            if not self.tls:
                return super().finish_request(request, client)
            request.settimeout(PATIENCE)
            with self.context.wrap_socket(request, server_side=True) as secure:
                super().finish_request(secure, client)
        except OSError:
            pass

    def handle_error(self, request, client):
        pass

    def close(self):
        self.release.set()
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.server.asked.append("GET " + self.path)
        self.say(200, {"active": True, "username": "mallory"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        form = urllib.parse.parse_qs(body.decode(), strict_parsing=True)
        token = form["token"][0]
        self.server.asked.append(token)
        self.server.last = (self.path, dict(self.headers), form)
        if self.server.auth is not None and self.headers.get("Authorization") != self.server.auth:
            return self.say(401, {"error": "invalid_client"})
        answer = self.server.answers.get(token, {"active": False})
        if callable(answer):
            return answer(self)
        return self.say(200, answer)

    def say(self, status, data, kind="application/json;charset=UTF-8", headers=()):
        if not isinstance(data, bytes):
            data = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(data)
        except OSError:
            pass


def active(user="bob", **more):
    return dict({"active": True, "username": user}, **more)


def slow(handler):
    handler.server.release.wait(PATIENCE)
    handler.say(200, active())


def cut(handler):
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"active":true,"username":"bob"}')
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def endless(handler):
    """Without a length, an octet now and then."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()
    handler.close_connection = True
    try:
        while not handler.server.release.wait(0.1):
            handler.wfile.write(b" ")
            handler.wfile.flush()
    except OSError:
        pass
