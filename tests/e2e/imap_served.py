"""imap-session -S, as authd starts it: a process for each session, or none."""

import os
import socket

import imap_lib
from imap_lib import eventually
from pop3_lib import xencode


class Place(imap_lib.Place):
    """session() gives the server a connection of somebody who logged in."""

    server = None

    def __init__(self, imapd="", top="", parent=None, uid=None):
        super().__init__(imapd, top, parent)
        if uid is not None:
            self.uid = self.gid = uid
            self.own(self.dir + "/mail")
        self.start_server()

    def start_server(self):
        self.server, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.process = self.start([self.copy(self.program), "-S", "-c", self.conf], theirs,
                                  **self.privileges())
        theirs.close()

    def hand(self, sock, user, ahead=b"", quota=(0, 0)):
        packet = ("merpati 1 handed 1\nuser %s@example.test\nhome %s\nip 192.0.2.1\ntag L1\n"
                  "quota-octets %d\nquota-count %d\nahead %s\n"
                  % (user, xencode(self.home(user).encode()), *quota, xencode(ahead)))
        socket.send_fds(self.server, [packet.encode()], [sock.fileno()])

    def session(self, user="alice", **kw):
        ours, theirs = socket.socketpair()
        with theirs:
            self.hand(theirs, user, **kw)
        c = self.client(ours)
        self.clients.append(c)
        return c

    def login(self, user="alice", enable="", **kw):
        c = self.session(user, **kw)
        c.greeting = c.response()
        assert (c.greeting.tag, c.greeting.name) == ("L1", "OK"), c.greeting
        if enable:
            c.ok("ENABLE " + enable)
        return c

    def quit(self, c):
        r = c.ok("LOGOUT")
        assert c.at_end()
        c.close()
        return r

    def remove(self):
        super().remove()
        self.server.close()

    def processes(self):
        """Of sessions."""
        pid = self.process.pid
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            return [int(x) for x in f.read().split()]

    def wait_parked(self, left=0):
        if not eventually(lambda: len(self.processes()) == left, 20):
            raise AssertionError("%d sessions have a process, not %d" % (
                len(self.processes()), left))

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.process.pid))
