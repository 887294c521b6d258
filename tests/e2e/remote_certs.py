"""Certificates made at run time for the tests of TLS, by openssl(1)."""

import hashlib
import os
import ssl
import subprocess
import warnings


def openssl(*args, data=None):
    return subprocess.run(["openssl", *args], input=data, check=True,
                          capture_output=True).stdout


class Cert:
    """issuer None: self-signed; names: subjectAltName, None for a CA."""

    def __init__(self, directory, name, issuer=None, names=None, days=2):
        self.path = os.path.join(directory, name + ".pem")
        self.key = os.path.join(directory, name + ".key")
        request = os.path.join(directory, name + ".csr")
        conf = os.path.join(directory, name + ".cnf")
        with open(conf, "w") as f:
            f.write("[req]\ndistinguished_name=dn\nprompt=no\n"
                    "[dn]\nCN=%s\n[x]\n%s\n" % (
                        name, "subjectAltName=" + names if names else
                        "basicConstraints=critical,CA:TRUE"))
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-config", conf,
                "-keyout", self.key, "-out", request)
        how = (["-signkey", self.key] if issuer is None else
               ["-CA", issuer.path, "-CAkey", issuer.key, "-CAcreateserial"])
        # days -1: it ended yesterday.
        openssl("x509", "-req", "-in", request, "-days", str(days),
                "-extfile", conf, "-extensions", "x", "-out", self.path, *how)
        # What the server sends.
        self.chain = self.path
        if issuer is not None:
            self.chain = os.path.join(directory, name + ".chain")
            with open(self.chain, "wb") as f:
                for c in (self, issuer):
                    with open(c.path, "rb") as g:
                        f.write(g.read())

    def tlsa(self, usage, selector, matching):
        """A record that fits, as "3 1 1 HEX"."""
        der = openssl("x509", "-in", self.path, "-outform", "DER")
        if selector == 1:
            pub = openssl("x509", "-in", self.path, "-noout", "-pubkey")
            der = openssl("pkey", "-pubin", "-outform", "DER", data=pub)
        if matching == 1:
            der = hashlib.sha256(der).digest()
        elif matching == 2:
            der = hashlib.sha512(der).digest()
        return "%d %d %d %s" % (usage, selector, matching, der.hex())

    def context(self, oldest=None, newest=None):
        """What a server with this certificate speaks."""
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        c.load_cert_chain(self.chain, self.key)
        if newest in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            c.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():     # old ones are the point
            warnings.simplefilter("ignore", DeprecationWarning)
            c.minimum_version = oldest or c.minimum_version
            c.maximum_version = newest or c.maximum_version
        return c
