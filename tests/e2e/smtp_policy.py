#!/usr/bin/env python3
"""smtpd: who may send what to whom; DSN, SMTPUTF8, PROXY, access lists."""

import os
import socket
import threading
import time
import unittest

from smtp_lib import Case, proxy_v2

LETTER = b"x: y\r\n\r\n.\r\n"


class Relay(Case):

    def answers(self, ip, role, *rcpts):
        c = self.client(ip, role=role)
        c.hello("LHLO" if role == "lmtp" else "EHLO")
        self.starts(c.cmd("MAIL FROM:<a@example.org>"), "250")
        return [c.cmd("RCPT TO:<%s>" % r)[:9] for r in rcpts]

    def test_strangers_reach_only_our_domains(self):
        self.assertEqual(self.answers(
            "192.0.2.1", "mx", "bob@example.test", "x@elsewhere.test",
            "bob@[192.0.2.9]", "bob%elsewhere.test@example.test",
            "\"bob@elsewhere.test\"@example.test",
            "@example.test:x@elsewhere.test", "bob@EXAMPLE.test"),
            ["250 2.1.5", "554 5.7.1", "554 5.7.1", "550 5.1.1",
             "550 5.1.1", "554 5.7.1", "250 2.1.5"])

    def test_the_trusted_reach_anybody(self):
        for ip in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
            self.assertEqual(self.answers(ip, "mx", "x@elsewhere.test"),
                             ["250 2.1.5"])
        self.assertEqual(self.answers("192.0.2.1", "submit",
                                      "x@elsewhere.test"), ["250 2.1.5"])
        self.assertEqual(self.answers("2001:db8::1", "mx",
                                      "x@elsewhere.test"), ["554 5.7.1"])
        # A pipe has no address: nobody knows it.
        self.assertEqual(self.answers(None, "mx", "x@elsewhere.test"),
                         ["554 5.7.1"])

    def test_relay_domains_have_a_list(self):
        self.assertEqual(self.answers("192.0.2.1", "mx", "ok@relay.test",
                                      "no@relay.test"),
                         ["250 2.1.5", "550 5.1.1"])

    def test_what_authd_says(self):
        self.assertEqual(self.answers(
            "192.0.2.1", "mx", "full@example.test", "temp@example.test",
            "list@example.test", "nobody@example.test", "odd@example.test"),
            ["452 4.2.2", "451 4.3.0", "250 2.1.5", "550 5.1.1",
             "451 4.3.0"])

    def test_submission_is_for_the_trusted(self):
        c = self.client(role="submission")
        c.hello()
        answer = c.cmd("MAIL FROM:<a@example.org>")
        self.starts(answer, "530 5.7.0")
        self.assertIn("authentication", answer)
        c = self.client("127.0.0.1", role="submission")
        c.hello()
        c.envelope(rcpts=["x@elsewhere.test"])

    def test_refusals_are_logged(self):
        c = self.client()
        c.hello()
        c.cmd("MAIL FROM:<a@example.org>")
        c.cmd("RCPT TO:<x@elsewhere.test>")
        self.assertIn(
            'event=refused stage=rcpt code=554 status=5.7.1 client=192.0.2.1 '
            'helo=client.example.org from=a@example.org to=x@elsewhere.test '
            'text="<x@elsewhere.test>: relay access denied"', c.log())


class SubmitErrors(Case):
    smtpd = "max-errors = 3"

    def test_programs_of_this_machine_may_err(self):
        c = self.client(None, role="submit")
        c.hello()
        c.cmd("MAIL FROM:<a@example.test>")
        for n in range(10):
            self.starts(c.cmd("RCPT TO:<no%d@example.test>" % n), "550")
        self.starts(c.cmd("RCPT TO:<bob@example.test>"), "250")
        self.starts(c.data(LETTER), "250")
        self.assertRegex(c.log(), r"event=queued .* client=uid:\d+ ")


class NoAuthd(Case):
    authd = False

    def test_local_names_wait_others_go(self):
        c = self.client("127.0.0.1")
        c.hello()
        c.cmd("MAIL FROM:<a@example.org>")
        self.starts(c.cmd("RCPT TO:<bob@example.test>"), "451 4.3.0")
        self.starts(c.cmd("RCPT TO:<x@elsewhere.test>"), "250")
        self.starts(c.cmd("VRFY bob@example.test"), "451 4.3.0")


class SoftBounce(Case):
    top = "soft-bounce = yes"

    def test_5xx_become_4xx(self):
        c = self.client()
        c.hello()
        c.cmd("MAIL FROM:<a@example.org>")
        self.starts(c.cmd("RCPT TO:<x@elsewhere.test>"), "454 4.7.1")
        self.starts(c.cmd("RCPT TO:<no@example.test>"), "450 4.1.1")
        # Not policy but syntax.
        self.starts(c.cmd("RCPT TO:no"), "501 5.1.3")
        self.starts(c.cmd("RCPT TO:<bob@example.test>"), "250")
        self.starts(c.data(b"\0\r\n.\r\n"), "450 4.6.0")


class SoftClient(Case):
    top = "soft-bounce = yes"

    def test_a_refused_client_is_deferred(self):
        self.inst.write("etc/clients", "192.0.2.66 refuse\n")
        self.inst.configure(self.top, 'access-client = { "%s" }' %
                            self.inst.path("etc/clients"))
        c = self.client("192.0.2.66")
        self.starts(c.greeting, "421 4.7.1")
        self.assertTrue(c.closed())


class AlwaysBcc(Case):
    top = 'always-bcc = "archive@example.test"'

    def test_one_more_recipient(self):
        c = self.client(role="lmtp")
        c.hello("LHLO")
        c.envelope()
        self.starts(c.data(LETTER), "250")
        self.starts(c.cmd("NOOP"), "250 2.0.0 ok")
        c.close()
        self.assertEqual(self.inst.messages()[0].rcpts, [
            "bob@example.test", "archive@example.test notify=NEVER"])
        self.assertIn(b"for <bob@", self.inst.messages()[0].head)


class Dsn(Case):

    def test_parameters_reach_the_envelope(self):
        c = self.client()
        c.hello()
        self.starts(c.cmd("MAIL FROM:<a@example.org> RET=HDRS ENVID=QQ+2B1 "
                          "SIZE=100 BODY=8BITMIME"), "250")
        self.starts(c.cmd("RCPT TO:<bob@example.test> NOTIFY=SUCCESS,DELAY "
                          "ORCPT=rfc822;b+2Bx@example.org"), "250")
        self.starts(c.cmd("RCPT TO:<alice@example.test> NOTIFY=NEVER"), "250")
        self.starts(c.cmd("RCPT TO:<u@example.test> NOTIFY=NEVER,DELAY"),
                    "501 5.5.4")
        self.starts(c.cmd("RCPT TO:<u@example.test> ORCPT=x"), "501 5.5.4")
        self.starts(c.cmd("RCPT TO:<u@example.test> FOO=x"), "555 5.5.4")
        self.starts(c.data(LETTER), "250")
        c.close()
        m = self.inst.messages()[0]
        self.assertEqual(m.keys["ret"], "HDRS")
        self.assertEqual(m.keys["envid"], "QQ+2B1")
        self.assertIn("orcpt=rfc822;b+2Bx@example.org", m.rcpts[0])
        self.assertIn("notify=SUCCESS,DELAY", m.rcpts[0])
        self.assertEqual(m.rcpts[1], "alice@example.test notify=NEVER")

    def test_wrong_parameters(self):
        c = self.client()
        c.hello()
        for wrong, code in (("RET=X", "501"), ("ENVID=a b", "555"),
                            ("BODY=BINARYMIME", "555"), ("SIZE=a", "501"),
                            ("AUTH=+zz", "501"), ("BY=120;R", "555"), ("SIZE=1 SIZE=1", "501")):
            self.starts(c.cmd("MAIL FROM:<a@example.org> " + wrong), code)


class Utf8(Case):

    def test_smtputf8(self):
        c = self.client()
        c.hello()
        self.starts(c.cmd("MAIL FROM:<\u00e4@example.org>"), "553 5.6.7")
        self.starts(c.cmd("MAIL FROM:<\u00e4@example.org> SMTPUTF8"), "250")
        self.starts(c.cmd("RCPT TO:<u\u00fc@example.test>"), "250")
        self.starts(c.data("Subject: \u00df\r\n\r\n.\r\n"), "250")
        self.starts(c.cmd("MAIL FROM:<a@example.org>"), "250")
        self.starts(c.cmd("RCPT TO:<u\u00fc@example.test>"), "553 5.6.7")
        c.send(b"RCPT TO:<u\xff@example.test>\r\n")
        self.starts(c.reply(), "501")
        c.close()
        m = self.inst.messages()[0]
        self.assertEqual(m.keys["from"], "\u00e4@example.org")
        self.assertIn("utf8", m.flags)
        self.assertIn(b"with UTF8SMTP id", m.head)


class Access(Case):

    def setUp(self):
        super().setUp()
        lists = {
            "client": "192.0.2.66 refuse go away\n192.0.3.0/24 defer\n"
                      "192.0.4.0/24 discard\n",
            "sender": "spam@example.org refuse no spam\n"
                      "@wait.test defer\nlost@ discard\n",
            "recipient": "uno@example.test refuse\n"
                         "unow@example.test defer not yet\n"
                         "ugone@example.test discard\n",
        }
        conf = []
        for kind, text in lists.items():
            self.inst.write("etc/" + kind, text)
            conf.append('access-%s = { "%s" }' % (
                kind, self.inst.path("etc/" + kind)))
        self.inst.configure(smtpd="\n".join(conf))

    def test_client(self):
        c = self.client("192.0.2.66")
        self.assertEqual(c.greeting, "554 5.7.1 go away")
        self.starts(c.hello(), "503")
        self.starts(c.cmd("NOOP"), "503")
        self.starts(c.cmd("QUIT"), "221")
        c = self.client("192.0.3.1")
        self.starts(c.greeting, "421 4.7.1")
        self.assertTrue(c.closed())
        c = self.client("192.0.4.1")
        c.hello()
        c.envelope()
        self.starts(c.data(LETTER), "250")
        self.assertIn("event=discarded id=", c.log())
        self.assertEqual(self.inst.messages(), [])

    def test_sender(self):
        c = self.client()
        c.hello()
        self.assertEqual(c.cmd("MAIL FROM:<spam@example.org>"),
                         "550 5.7.1 <spam@example.org>: no spam")
        self.starts(c.cmd("MAIL FROM:<a@wait.test>"), "450 4.7.1")
        c.envelope("lost@example.net")
        self.starts(c.data(LETTER), "250")
        c.envelope()
        self.starts(c.data(LETTER), "250")
        log = c.log()
        self.assertEqual(log.count("event=discarded"), 1)
        self.assertEqual(len(self.inst.messages()), 1)

    def test_recipient(self):
        c = self.client()
        c.hello()
        c.cmd("MAIL FROM:<a@example.org>")
        self.starts(c.cmd("RCPT TO:<uno@example.test>"), "550 5.7.1")
        self.starts(c.cmd("RCPT TO:<unow@example.test>"), "450 4.7.1")
        self.starts(c.cmd("RCPT TO:<ugone@example.test>"), "250")
        self.starts(c.cmd("RCPT TO:<bob@example.test>"), "250")
        self.starts(c.data(LETTER), "250")
        c.envelope(rcpts=["ugone@example.test"])
        self.starts(c.data(LETTER), "250")
        self.assertIn("event=recipient-discarded", c.log())
        self.assertEqual([m.rcpts for m in self.inst.messages()],
                         [["bob@example.test"]])

    def written(self, text):
        """The list of senders, and nobody has written to it for long."""
        self.inst.write("etc/sender", text)
        self.long_ago = getattr(self, "long_ago", 1000) + 1000
        os.utime(self.inst.path("etc/sender"), (self.long_ago, self.long_ago))

    def test_lists_are_read_again(self):
        c = self.client()
        c.hello()
        self.starts(c.cmd("MAIL FROM:<new@example.org>"), "250")
        c.cmd("RSET")
        # Somebody writes and has not yet ended.
        path = self.inst.write("etc/sender", "new@example.org ok\n"
                               "n@example.org refuse\n")
        answer = c.cmd("MAIL FROM:<n@example.org>")
        if time.time() - os.stat(path).st_mtime < 0.3:
            self.starts(answer, "250")
        c.cmd("RSET")
        self.written("new@example.org refuse\n")
        self.starts(c.cmd("MAIL FROM:<new@example.org>"), "550")
        # Who is in a wrong line waits; others are not concerned.
        self.written("new@example.org forgive\nold@example.org refuse\n")
        self.starts(c.cmd("MAIL FROM:<new@example.org>"), "450")
        self.starts(c.cmd("MAIL FROM:<old@example.org>"), "550")
        # One that is gone changes nothing, but is complained about if it does
        # not come again, as an editor's would.
        os.unlink(self.inst.path("etc/sender"))
        self.starts(c.cmd("MAIL FROM:<old@example.org>"), "550")
        self.assertNotIn(b"event=access-unreadable",
                         os.pread(c.log_file.fileno(), 65536, 0))
        self.starts(c.cmd("MAIL FROM:<new@example.org>"), "450")
        log = c.log()
        self.assertEqual(log.count("event=access-error"), 1)
        self.assertIn("sender:1: the action is ok", log)
        self.assertEqual(log.count("event=access-unreadable"), 1)

    def test_a_wrong_line_stops_nobody_else(self):
        self.inst.write("etc/client", "192.0.2.66 refus\n192.0.3.1 refuse\n")
        c = self.client("192.0.2.66")
        self.starts(c.greeting, "421 4.7.1")
        self.assertIn("client:1: the action is ok", c.log())
        self.starts(self.client("192.0.3.1").greeting, "554")
        self.starts(self.client("192.0.2.1").greeting, "220")


class Names(Case):
    """A client named in an access list; the resolver is a fake."""

    def resolver(self, answers):
        """Serves run/resolver/resolver.sock, at most so many questions."""
        os.makedirs(os.path.join(self.inst.run, "resolver"), exist_ok=True)
        path = os.path.join(self.inst.run, "resolver/resolver.sock")
        lsock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        lsock.bind(path)
        os.chmod(path, 0o666)
        os.chmod(os.path.dirname(path), 0o755)
        lsock.listen(5)
        lsock.settimeout(60)
        self.addCleanup(lsock.close)
        self.asked = []

        def serve():
            s, _ = lsock.accept()
            with s:
                s.settimeout(60)
                for text in answers:
                    head, _, body = s.recv(32768).decode().partition("\n")
                    self.asked.append((head.split()[2], body))
                    s.send(("merpati 1 texts %s\nstatus %s\nsecure 0\nttl 60\n%s"
                            % (head.split()[3], "ok" if text else "none",
                               "text %s\n" % text if text else "")).encode())
        t = threading.Thread(target=serve, daemon=True)
        t.start()
        self.addCleanup(t.join, 20)

    def setUp(self):
        super().setUp()
        self.inst.write("etc/list", ".dialup.example.net refuse\n")
        self.inst.configure(smtpd='access-client = { "%s" }' % self.inst.path("etc/list"))

    def greeting(self):
        return self.client("198.51.100.7", greet=False).reply()

    def test_a_named_client_is_refused(self):
        self.resolver(["h7.dialup.example.net"])
        self.starts(self.greeting(), "554 5.7.1")
        self.assertEqual(self.asked, [("ptr", "name 198.51.100.7\n")])

    def test_others_and_nameless_ones_are_not(self):
        for answer in ("mail.example.net", None, "bad..name.dialup.example.net"):
            self.resolver([answer])
            self.starts(self.greeting(), "220")
            os.unlink(os.path.join(self.inst.run, "resolver/resolver.sock"))

    def test_without_a_resolver_nobody_has_a_name(self):
        c = self.client("198.51.100.7", greet=False)
        self.starts(c.reply(), "220")
        self.assertIn("event=resolver-unreachable", c.log())


class NoAccess(Case):

    def test_start_is_refused(self):
        self.inst.configure(smtpd='access-client = { "%s" }' %
                            self.inst.path("etc/list"))
        c = self.client(greet=False)
        self.assertEqual(c.close(), 78)
        c.log_file.seek(0)
        self.assertIn(b"etc/list: No such file", c.log_file.read())
        c.log_file.close()
        c.proc.returncode = 0


class Proxy(Case):

    def test_the_named_client_counts(self):
        c = self.client("127.0.0.1", args=["-p"], greet=False)
        c.send(proxy_v2("198.51.100.7"))
        self.starts(c.reply(), "220")
        c.hello()
        self.starts(c.cmd("MAIL FROM:<a@example.org>"), "250")
        # Not trusted any more.
        self.starts(c.cmd("RCPT TO:<x@elsewhere.test>"), "554")
        self.starts(c.cmd("RCPT TO:<bob@example.test>"), "250")
        self.starts(c.data(LETTER), "250")
        c.close()
        self.assertEqual(self.inst.messages()[0].keys["client-ip"],
                         "198.51.100.7")

    def test_ipv6_in_pieces(self):
        c = self.client("127.0.0.1", args=["-p"], greet=False)
        for octet in proxy_v2("2001:db8::5", tail=b"\x04\0\x01x"):
            c.send(bytes([octet]))
        self.starts(c.reply(), "220")
        c.hello()
        c.envelope()
        self.starts(c.data(LETTER), "250")
        c.close()
        self.assertEqual(self.inst.messages()[0].keys["client-ip"],
                         "2001:db8::5")

    def test_local_command(self):
        c = self.client("127.0.0.1", args=["-p"], greet=False)
        c.send(proxy_v2("198.51.100.7", command=0))
        self.starts(c.reply(), "220")
        c.hello()
        c.envelope(rcpts=["x@elsewhere.test"])

    def test_refused(self):
        c = self.client("192.0.2.1", args=["-p"], greet=False)
        c.send(proxy_v2("127.0.0.1"))
        self.assertTrue(c.closed())
        self.assertIn("event=proxy-refused", c.log())
        for junk in (b"EHLO x\r\n", b"PROXY TCP4 1.2.3.4 1.2.3.5 1 2\r\n",
                     proxy_v2("198.51.100.7")[:12] + b"\x11"):
            c = self.client("127.0.0.1", args=["-p"], greet=False)
            c.send(junk.ljust(16, b"\0"))
            self.assertTrue(c.closed())

    def test_early_talk_behind_the_header(self):
        c = self.client("127.0.0.1", args=["-p"], greet=False)
        c.send(proxy_v2("198.51.100.7") + b"EHLO x\r\n")
        self.starts(c.reply(), "554")
        self.assertTrue(c.closed())


class Early(Case):

    def test_early_talkers(self):
        c = self.client(early=b"EHLO x\r\n")
        self.starts(c.greeting, "554 5.5.1")
        self.assertTrue(c.closed())
        self.assertIn("reason=early-talker", c.log())
        c = self.client("127.0.0.1", early=b"EHLO x\r\n")
        self.starts(c.greeting, "220")


class Delay(Case):
    smtpd = "greet-delay-ms = 10000"

    def test_greeting_is_delayed_for_strangers(self):
        c = self.client(greet=False)
        time.sleep(0.3)
        c.send("EHLO x\r\n")
        self.starts(c.reply(), "554 5.5.1")
        began = time.monotonic()
        c = self.client("127.0.0.1")
        self.assertLess(time.monotonic() - began, 9)
        self.starts(c.greeting, "220")


if __name__ == "__main__":
    unittest.main()
