"""imap-session: the frame of a session, each case with the section it is about."""

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest
import zlib

from imap_lib import Client, Literal, Place, eventually, letter


class Base(unittest.TestCase):
    imapd = top = ""
    letters = 3

    def setUp(self):
        self.place = Place(self.imapd, self.top)
        self.addCleanup(self.place.remove)
        for n in range(self.letters):
            self.place.put(letter("number %d" % (n + 1)), flags="S" if n == 0 else "")


class AnyState(Base):
    def test_greeting_and_capability(self):
        """RFC 9051 7.1.4, 6.1.1"""
        c = self.place.login()
        self.assertEqual(c.greeting.code, "CAPABILITY")
        r = c.ok("CAPABILITY")
        told = r.all("CAPABILITY")[0].words
        self.assertEqual(told, c.greeting.args)
        for name in ("IMAP4rev2", "IMAP4rev1", "ENABLE", "IDLE", "UNSELECT", "ID"):
            self.assertIn(name, told)
        self.assertNotIn("UNAUTHENTICATE", told)
        c.bad("CAPABILITY x")

    def test_logout(self):
        """RFC 9051 6.1.3: BYE, then OK, then the end"""
        c = self.place.login()
        r = c.ok("LOGOUT")
        self.assertEqual([x.name for x in r.untagged], ["BYE"])
        self.assertTrue(c.at_end())
        self.place.wait_log("end=logout")

    def test_commands_of_other_states(self):
        """RFC 9051 3, 6.2: after the login, and without a mailbox"""
        c = self.place.login()
        for bad in ("LOGIN a b", "AUTHENTICATE PLAIN", "STARTTLS", "CLOSE", "UNSELECT",
                    "EXPUNGE", "FETCH 1 FLAGS", "UID FETCH 1 FLAGS", "STORE 1 FLAGS ()",
                    "SEARCH ALL", "CHECK", "UID NOOP", "UID", "XYZZY", "UNAUTHENTICATE"):
            c.bad(bad)
            c.ok("NOOP")

    def test_tags_and_lines(self):
        """RFC 9051 2.2.1, 9"""
        c = self.place.login()
        for tag in ("1", "a.b", "]x", "~", "z9"):
            self.assertEqual(c.do("NOOP", tag=tag).status, "OK")
        for line in (b"\r\n", b" NOOP\r\n", b"a+b NOOP\r\n", b"a( NOOP\r\n", b"a\r\n",
                     b"a \r\n", b"a  NOOP\r\n"):
            c.send(line)
            self.assertEqual(c.response().name, "BAD", line)
        c.ok("nOOp")

    def test_id(self):
        """RFC 2971 3.1, 3.3"""
        c = self.place.login()
        r = c.ok('ID ("name" "a client" "version" "1")')
        self.assertEqual(r.all("ID")[0].words[0][:2], [b"name", b"Merpati"])
        self.place.wait_log('event=imap-client user=alice@example.test name="a client"')
        c.ok("ID NIL")
        c.ok("ID ()")
        c.ok('ID ("x" NIL)')
        c.ok("ID (", Literal(b"name"), " ", Literal(b"lit", plus=True), ")")
        c.bad('ID ("x")')
        c.bad("ID")
        c.bad("ID (" + " ".join(['"k" "v"'] * 31) + ")")

    def test_twenty_bad_ones_end_it(self):
        """limits"""
        c = self.place.login()
        c.send(b"x FOO\r\n" * 30)
        self.assertIn(b"* BYE Too many", c.file.read())
        self.place.wait_log("end=errors")


class Enable(Base):
    def test_enable(self):
        """RFC 5161 3.1, RFC 9051 6.3.1"""
        c = self.place.login()
        r = c.ok("ENABLE QRESYNC FOO condstore")
        self.assertEqual([x.upper() for x in r.all("ENABLED")[0].words],
                         ["CONDSTORE", "QRESYNC"])
        r = c.ok("ENABLE IDLE")
        self.assertEqual(r.all("ENABLED")[0].words, [])
        c.bad("ENABLE")
        c.bad("ENABLE (QRESYNC)")

    def test_not_while_a_mailbox_is_selected(self):
        """RFC 5161 3.1"""
        c = self.place.login()
        c.select()
        c.bad("ENABLE CONDSTORE")
        c.ok("UNSELECT")
        c.ok("ENABLE CONDSTORE")


class Select(Base):
    def test_select_in_rev1(self):
        """RFC 3501 6.3.1"""
        c = self.place.login()
        r = c.select()
        codes = r.codes()
        self.assertEqual(r.numbers("EXISTS"), [3])
        self.assertEqual(r.numbers("RECENT"), [3])
        self.assertEqual(codes["UNSEEN"], [2])
        self.assertEqual(codes["UIDNEXT"], [4])
        self.assertGreater(codes["UIDVALIDITY"][0], 0)
        self.assertGreater(codes["HIGHESTMODSEQ"][0], 0)
        self.assertIn("\\*", codes["PERMANENTFLAGS"][0])
        self.assertIn("\\Answered", r.all("FLAGS")[0].words[0])
        self.assertEqual(r.code, "READ-WRITE")
        self.assertFalse(r.all("LIST"))
        other = self.place.login()
        self.assertEqual(other.select().numbers("RECENT"), [0])

    def test_select_in_rev2(self):
        """RFC 9051 6.3.2"""
        c = self.place.login(enable="IMAP4rev2")
        r = c.select()
        self.assertFalse(r.all("RECENT"))
        self.assertNotIn("UNSEEN", r.codes())
        self.assertEqual(r.all("LIST")[0].words, [[], b"/", b"INBOX"])
        self.assertEqual(c.select("inbox").codes()["CLOSED"], [])

    def test_mailboxid_stays(self):
        """RFC 8474 4.2"""
        ids = [self.place.login().select().codes()["MAILBOXID"] for _ in range(2)]
        self.assertEqual(ids[0], ids[1])
        self.place.folder(".Other")
        other = self.place.login().select("Other").codes()["MAILBOXID"]
        self.assertNotEqual(ids[0], other)

    def test_examine(self):
        """RFC 9051 6.3.3: read-only, and \\Recent stays"""
        c = self.place.login()
        r = c.select(how="EXAMINE")
        self.assertEqual(r.code, "READ-ONLY")
        self.assertEqual(r.codes()["PERMANENTFLAGS"], [[]])
        self.assertEqual(self.place.login().select().numbers("RECENT"), [3])

    def test_a_failed_select_leaves_none(self):
        """RFC 9051 6.3.2"""
        c = self.place.login()
        c.select()
        r = c.no("SELECT nothing", code="NONEXISTENT")
        self.assertIn("CLOSED", r.codes())
        c.bad("CHECK")

    def test_bad_ones(self):
        """RFC 9051 6.3.2, 9"""
        c = self.place.login()
        c.select()
        for bad in ("SELECT", "SELECT ", "SELECT INBOX ()", "SELECT INBOX (FOO)",
                    "SELECT INBOX CONDSTORE", "SELECT INBOX (CONDSTORE", "SELECT (INBOX)",
                    "SELECT INBOX INBOX"):
            c.bad(bad)
        c.ok("CHECK")
        for no in ('SELECT ""', "SELECT ../../etc", "SELECT a//b", 'SELECT "a.b"',
                   "SELECT " + "x" * 2000):
            self.assertNotEqual(c.do(no).status, "OK", no)

    def test_a_literal_as_name(self):
        """RFC 9051 4.3, RFC 7888 4"""
        c = self.place.login()
        c.ok("SELECT ", Literal(b"INBOX"))
        c.ok("SELECT ", Literal(b"INBOX", plus=True))
        # Refused without swallowing it: no "+" comes.
        r = c.do("SELECT ", Literal(b"x" * 1000000))
        self.assertIn(r.status, ("BAD", "NO"))
        c.ok("NOOP")
        r = c.do("SELECT ", Literal(b"x" * 500000, plus=True))
        self.assertIn(r.status, ("BAD", "NO"))
        c.ok("NOOP")

    def test_international_names(self):
        """RFC 3501 5.1.3, RFC 9051 5.1"""
        self.place.folder(".Entw&APw-rfe")
        c = self.place.login()
        c.select("Entw&APw-rfe")
        c = self.place.login(enable="IMAP4rev2")
        r = c.select('"Entw\u00fcrfe"')
        self.assertEqual(r.all("LIST")[0].words[2], "Entw\u00fcrfe".encode())

    def test_close_and_unselect(self):
        """RFC 9051 6.4.1, 6.4.2"""
        self.place.put(letter("gone"), flags="ST")
        c = self.place.login()
        c.select()
        c.ok("UNSELECT")
        c.select(how="EXAMINE")
        c.ok("CLOSE")
        self.assertEqual(len(self.place.files()), 4)
        c.select()
        r = c.ok("CLOSE")
        self.assertEqual(r.untagged, [])
        self.assertEqual(len(self.place.files()), 3)
        c.bad("CLOSE")


class Changes(Base):
    def test_new_mail(self):
        """RFC 9051 7.4.1"""
        c = self.place.login()
        c.select()
        self.assertEqual(c.ok("NOOP").untagged, [])
        self.place.put(letter("new"))
        r = c.ok("NOOP")
        self.assertEqual(r.numbers("EXISTS"), [4])
        self.assertEqual(r.numbers("RECENT"), [4])
        self.assertEqual(c.ok("NOOP").untagged, [])

    def move(self, path, flags):
        base = os.path.basename(path).split(":2,")[0]
        d = os.path.dirname(os.path.dirname(path))
        name = [x for x in os.listdir(d + "/cur") if x.startswith(base)]
        src = d + "/cur/" + name[0] if name else path
        os.rename(src, d + "/cur/" + os.path.basename(src).split(":2,")[0] + ":2," + flags)

    def test_flags_by_another_program(self):
        """RFC 9051 7.5.2"""
        path = self.place.put(letter("four"))
        c = self.place.login()
        c.select()
        self.move(path, "F")
        r = eventually(lambda: c.ok("NOOP").fetched())
        self.assertIn("\\Flagged", r[4]["FLAGS"])

    def test_removed_by_another_program(self):
        """RFC 9051 7.5.1: told in NOOP, after a second look"""
        c = self.place.login()
        c.select()
        d = self.place.maildir() + "/cur/"
        os.unlink(d + self.place.cur()[1])
        gone = []
        eventually(lambda: gone.extend(c.ok("NOOP").numbers("EXPUNGE")) or gone)
        self.assertEqual(gone, [2])

    def test_vanished(self):
        """RFC 7162 3.2.10"""
        c = self.place.login(enable="QRESYNC")
        c.select()
        os.unlink(self.place.maildir() + "/cur/" + self.place.cur()[0])
        got = eventually(lambda: c.ok("NOOP").all("VANISHED"))
        self.assertEqual(got[0].words, [1])

    def test_the_mailbox_goes_away(self):
        """RFC 9051 7.1.5"""
        d = self.place.folder(".Gone")
        c = self.place.login()
        c.select("Gone")
        shutil.rmtree(d)
        c.start("NOOP")
        self.assertEqual([c.response().name, c.response().name], ["OK", "BYE"])
        self.assertTrue(c.at_end())
        self.place.wait_log("end=lost")

    def test_condstore_by_select(self):
        """RFC 7162 3.1.8"""
        path = self.place.put(letter("four"))
        c = self.place.login()
        c.ok("SELECT INBOX (CONDSTORE)")
        self.move(path, "F")
        r = eventually(lambda: c.ok("NOOP").fetched())
        self.assertIn("MODSEQ", r[4])


class Qresync(Base):
    letters = 9

    def test_what_vanished_and_what_changed(self):
        """RFC 7162 3.2.5"""
        c = self.place.login(enable="QRESYNC")
        codes = c.select().codes()
        validity, modseq = codes["UIDVALIDITY"][0], codes["HIGHESTMODSEQ"][0]
        cur = self.place.cur()
        d = self.place.maildir() + "/cur/"
        for n in (2, 4):
            os.unlink(d + cur[n])
        os.rename(d + cur[6], d + cur[6].split(":2,")[0] + ":2,FS")
        gone = []
        eventually(lambda: gone.extend(c.ok("NOOP").all("VANISHED")) or gone)
        c.ok("UNSELECT")
        r = c.ok("SELECT INBOX (QRESYNC (%d %d))" % (validity, modseq))
        told = r.all("VANISHED")[0].words
        self.assertEqual(told, [["EARLIER"], "3,5"])
        self.assertEqual([v["UID"] for v in r.fetched().values()], [7])
        r = c.ok("SELECT INBOX (QRESYNC (%d %d 1:4))" % (validity, modseq))
        self.assertEqual(r.all("VANISHED")[0].words[1], 3)
        self.assertFalse(r.fetched())
        r = c.ok("SELECT INBOX (QRESYNC (%d %d))" % (validity + 1, modseq))
        self.assertFalse(r.all("VANISHED") + r.all("FETCH"))

    def test_without_the_index(self):
        """RFC 7162 3.2.5.1: history that is lost is made up for"""
        c = self.place.login(enable="QRESYNC")
        codes = c.select().codes()
        os.unlink(self.place.maildir() + "/cur/" + self.place.cur()[0])
        eventually(lambda: c.ok("NOOP").all("VANISHED"))
        self.place.quit(c)
        shutil.rmtree(self.place.home() + "/index", ignore_errors=True)
        c = self.place.login(enable="QRESYNC")
        r = c.ok("SELECT INBOX (QRESYNC (%d %d))" % (codes["UIDVALIDITY"][0],
                                                    codes["HIGHESTMODSEQ"][0]))
        self.assertGreater(r.codes()["HIGHESTMODSEQ"][0], codes["HIGHESTMODSEQ"][0])
        self.assertEqual(r.all("VANISHED")[0].words[1], 1)

    def test_bad_ones(self):
        """RFC 7162 3.2.5, 7"""
        c = self.place.login()
        c.bad("SELECT INBOX (QRESYNC (1 1))")
        c.ok("ENABLE QRESYNC")
        for bad in ("(0 1)", "(1 0)", "(1)", "1 1", "(1 1 *)", "(1 1 1:5 (1 1:2))", "(1 1 ())",
                    "(1 99999999999999999999)", "(1 1 1:5"):
            c.bad("SELECT INBOX (QRESYNC %s)" % bad)


class UidOnly(Base):
    def test_uidonly(self):
        """RFC 9586 3"""
        c = self.place.login(enable="UIDONLY")
        c.select()
        for bad in ("FETCH 1 FLAGS", "STORE 1 FLAGS ()", "COPY 1 INBOX", "SEARCH ALL",
                    "MOVE 1 INBOX"):
            r = c.bad(bad)
            self.assertEqual(r.code, "UIDREQUIRED")
        os.unlink(self.place.maildir() + "/cur/" + self.place.cur()[0])
        got = eventually(lambda: c.ok("NOOP").all("VANISHED"))
        self.assertEqual(got[0].words, [1])


class Idle(Base):
    def test_delivery_wakes(self):
        """RFC 2177 3, RFC 9051 6.3.13"""
        c = self.place.login()
        c.select()
        c.idle()
        times = []
        for n in range(10):
            begun = time.monotonic()
            self.place.put(letter("new %d" % n))
            r = c.response()
            times.append(time.monotonic() - begun)
            self.assertEqual((r.name, r.number), ("EXISTS", 4 + n))
            c.response()    # RECENT
            time.sleep(0.05)
        self.assertLess(sorted(times)[5], 0.05)
        self.assertEqual(c.done().status, "OK")

    def test_after_a_rest(self):
        """memory was given back meanwhile"""
        c = self.place.login()
        c.select()
        c.idle()
        self.assertTrue(c.quiet(3.5))
        self.place.put(letter("new"))
        self.assertEqual(c.response().name, "EXISTS")
        c.response()
        self.assertEqual(c.done().status, "OK")
        time.sleep(2.5)
        self.assertEqual(c.ok("NOOP").status, "OK")

    def test_without_a_mailbox(self):
        """RFC 2177 3: in the authenticated state"""
        c = self.place.login()
        c.idle()
        self.assertTrue(c.quiet())
        self.assertEqual(c.done().status, "OK")

    def test_expunge_in_idle(self):
        """RFC 9051 6.3.13"""
        c = self.place.login()
        c.select()
        c.idle()
        os.unlink(self.place.maildir() + "/cur/" + self.place.cur()[0])
        c.sock.settimeout(40)
        r = c.response()
        self.assertEqual((r.name, r.number), ("EXPUNGE", 1))
        self.assertEqual(c.done().status, "OK")

    def test_something_else_than_done(self):
        """RFC 9051 6.3.13"""
        c = self.place.login()
        c.idle()
        c.send(b"A9 NOOP\r\n")
        r = c.finish(c.idling)
        self.assertEqual(r.status, "BAD")
        c.ok("NOOP")
        c.bad("IDLE x")

    def test_done_case_and_pipelined(self):
        """RFC 9051 9: literals are case-insensitive"""
        c = self.place.login()
        c.send(b"i IDLE\r\ndone\r\nn NOOP\r\n")
        self.assertEqual(c.response().tag, "+")
        self.assertEqual(c.finish("i").status, "OK")
        self.assertEqual(c.finish("n").status, "OK")

    def test_sigterm(self):
        """RFC 9051 7.1.5"""
        c = self.place.login()
        c.select()
        c.idle()
        c.process.send_signal(signal.SIGTERM)
        self.assertEqual(c.response().name, "BYE")
        self.assertTrue(c.at_end())
        self.place.wait_log("end=stopped")


class Timeout(Base):
    imapd = "idle-timeout = 1s"

    def test_silence(self):
        """RFC 9051 5.4"""
        c = self.place.login()
        self.assertEqual(c.response().name, "BYE")
        self.assertTrue(c.at_end())
        self.place.wait_log("end=timeout")

    def test_silence_in_idle(self):
        """RFC 2177 3"""
        c = self.place.login()
        c.select()
        c.idle()
        self.assertEqual(c.response().name, "BYE")
        self.assertTrue(c.at_end())


class Limits(Base):
    imapd = "max-command = 8192"

    def test_a_long_command(self):
        """RFC 9051 7.1.3; 9: nothing is swallowed blindly"""
        c = self.place.login()
        c.select()
        r = c.do("UID FETCH " + ",".join(str(n) for n in range(1, 4000, 2)) + " FLAGS")
        self.assertIn(r.status, ("BAD", "NO"))
        c.ok("NOOP")
        try:
            c.send(b"x" * 3000000 + b"\r\n")
        except BrokenPipeError:
            pass
        self.assertTrue(eventually(c.at_end))


class Deflate(Base):
    def compressed(self):
        """A client whose connection is compressed, by a relay."""
        c = self.place.login()
        self.assertEqual(c.ok("COMPRESS DEFLATE").status, "OK")
        return c

    def relay(self, c):
        """A plain socket whose other end compresses for the client."""
        ours, theirs = socket.socketpair()
        out = zlib.compressobj(wbits=-15)
        into = zlib.decompressobj(wbits=-15)

        def up():
            while True:
                data = theirs.recv(65536)
                if not data:
                    break
                c.sock.sendall(out.compress(data) + out.flush(zlib.Z_SYNC_FLUSH))

        def down():
            while True:
                try:
                    data = c.sock.recv(65536)
                except OSError:
                    data = b""
                if not data:
                    theirs.close()
                    break
                theirs.sendall(into.decompress(data))
        for f in (up, down):
            threading.Thread(target=f, daemon=True).start()
        plain = Client(ours)
        self.addCleanup(plain.close)
        return plain

    def test_compressed(self):
        """RFC 4978 3"""
        inner = self.compressed()
        c = self.relay(inner)
        self.assertEqual(c.select().numbers("EXISTS"), [3])
        for _ in range(50):
            c.ok("CAPABILITY")
        c.no("COMPRESS DEFLATE", code="COMPRESSIONACTIVE")
        c.ok("SELECT ", Literal(b"INBOX"))
        c.idle()
        time.sleep(2.5)
        self.place.put(letter("new"))
        self.assertEqual(c.response().name, "EXISTS")
        c.response()
        self.assertEqual(c.done().status, "OK")
        c.ok("LOGOUT")
        self.place.wait_log("end=logout")

    def test_bad_ones(self):
        """RFC 4978 3"""
        c = self.place.login()
        c.bad("COMPRESS")
        c.bad("COMPRESS GZIP")
        c.bad("COMPRESS DEFLATE 9")
        c.send(b"a COMPRESS DEFLATE\r\nb NOOP\r\n")
        self.assertEqual(c.finish("a").status, "BAD")
        self.assertEqual(c.finish("b").status, "OK")

    def test_a_bomb(self):
        """RFC 4978 5: limits hold for what comes out"""
        c = self.compressed()
        z = zlib.compressobj(9, wbits=-15)
        data = z.compress(b"A" * (64 << 20)) + z.flush(zlib.Z_SYNC_FLUSH)
        self.assertLess(len(data), 100000)
        c.send(data)
        begun = time.monotonic()
        c.process.wait(20)
        self.assertLess(time.monotonic() - begun, 10)
        self.place.wait_log("event=imap-session")

    def test_nonsense(self):
        """RFC 4978 3"""
        c = self.compressed()
        c.send(b"\xff" * 100)
        self.assertTrue(c.at_end())
        self.place.wait_log("end=dropped")


class Mbox(Base):
    top = 'mailbox = "mbox"\nmbox-path = "/var/mail/%n"'

    def test_accounts_with_one_file_are_refused(self):
        """RFC 5530 3"""
        c = self.place.session()
        r = c.response()
        self.assertEqual((r.name, r.code), ("BYE", "CONTACTADMIN"))
        self.assertTrue(c.at_end())
        self.place.wait_log("end=refused")


class Usage(unittest.TestCase):
    def test_usage(self):
        place = Place()
        self.addCleanup(place.remove)
        p = place.copy("imap-session")
        r = subprocess.run([p, "--help"], capture_output=True, text=True)
        self.assertEqual((r.returncode, r.stderr), (0, ""))
        self.assertTrue(r.stdout.startswith("usage: imap-session -S"))
        for args in ([], ["-i"], ["-S", "-i", "-u", "x", "-m", "y"], ["-S", "-u", "x"],
                     ["-i", "-u", "x"], ["-x"], ["-S", "extra"]):
            r = subprocess.run([p] + args, capture_output=True, text=True)
            self.assertEqual(r.returncode, 64, args)


if __name__ == "__main__":
    unittest.main()
