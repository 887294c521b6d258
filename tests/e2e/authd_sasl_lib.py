"""The users of tests of authd's other proofs, by every kind of secret."""

import hashlib

from authd_lib import crypted
from scram_lib import keys

FINGERPRINT = hashlib.sha256(b"alice's certificate").hexdigest()
USERS = """alice@example.org:%s::::::scram-sha-256=%s certificate=%s
bob@example.org:{PLAIN}builder
carl@example.org:{SCRAM-SHA-256}%s
dora@example.org:{PLAIN}d::::::nologin certificate=%s
emil@example.org:!x::::::scram-sha-256=%s certificate=%s
fred@example.org:%s
old@example.org:{SCRAM-SHA-1}%s
gina@example.org:
""" % (crypted("wonderland"), keys("wonderland"), FINGERPRINT, keys("c"),
       hashlib.sha256(b"dora").hexdigest(), keys("e"),
       hashlib.sha256(b"emil").hexdigest(), crypted("f"),
       keys("o", "SHA-1"))
