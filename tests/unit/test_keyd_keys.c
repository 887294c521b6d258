/* keyd's files: what is taken, what is refused, what is kept. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <utime.h>

#include <cmocka.h>

#include <openssl/ocsp.h>
#include <openssl/pem.h>

#include "keyd/keys.h"
#include "keyd/publish.h"
#include "lib/net/tls_files.h"
#include "tests/unit/certificate.h"
#include "tests/unit/tmpdir.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define YEAR		(365L * 86400)

static EVP_PKEY	*ca_key, *key, *other_key;
static X509	*ca, *host, *other;
static char	 error[TLS_FILES_TEXT];

static int
setup(void **state)
{
	umask(077);
	if (tmpdir_setup(state) == -1)
		return -1;
	ca_key = certificate_key("P-256");
	key = certificate_key("P-256");
	other_key = certificate_key("RSA2048");
	ca = certificate_make("CA", ca_key, YEAR, NULL, NULL);
	host = certificate_make("a.example", key, YEAR, "CA", ca_key);
	other = certificate_make("b.example", other_key, 3 * 86400 + 60,
	    NULL, NULL);
	return 0;
}

static int
teardown(void **state)
{
	X509_free(ca);
	X509_free(host);
	X509_free(other);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other_key);
	return tmpdir_teardown(state);
}

/* Up to two certificates; by rename, as whoever replaces them should. */
static void
put_chain(const char *name, X509 *a, X509 *b)
{
	FILE	*f = fopen(tmpdir_file("new"), "w");

	assert_non_null(f);
	if (a != NULL)
		PEM_write_X509(f, a);
	if (b != NULL)
		PEM_write_X509(f, b);
	fclose(f);
	assert_int_equal(rename(tmpdir_file("new"), tmpdir_file(name)), 0);
}

static void
put_key(const char *name, EVP_PKEY *k, const char *passphrase)
{
	FILE	*f = fopen(tmpdir_file("new"), "w");

	assert_non_null(f);
	assert_int_equal(PEM_write_PrivateKey(f, k,
	    passphrase == NULL ? NULL : EVP_aes_128_cbc(),
	    (const unsigned char *)passphrase,
	    passphrase == NULL ? 0 : (int)strlen(passphrase), NULL, NULL), 1);
	fclose(f);
	assert_int_equal(rename(tmpdir_file("new"), tmpdir_file(name)), 0);
}

static void
good_keys_are_taken(void **state)
{
	static const char *const	 types[][2] = {
		{ "RSA2048", "RSA 2048" }, { "P-256", "EC P-256" },
		{ "P-384", "EC P-384" },
	};
	char				 type[TLS_KEY_TYPE];
	EVP_PKEY			*k, *got;
	bool				 exposed;
	size_t				 i;

	(void)state;
	for (i = 0; i < COUNT(types); i++) {
		k = certificate_key(types[i][0]);
		put_key("k", k, NULL);
		assert_int_equal(chmod(tmpdir_file("k"),
		    i == 0 ? 0644 : 0640), 0);
		got = tls_files_key(tmpdir_file("k"), &exposed, error);
		assert_non_null(got);
		assert_int_equal(exposed, i == 0);
		assert_string_equal(tls_key_type(got, type), types[i][1]);
		EVP_PKEY_free(got);
		EVP_PKEY_free(k);
	}
}

static void
bad_keys_are_refused(void **state)
{
	static const struct {
		const char	*type, *passphrase, *said;
	}		 rows[] = {
		{ "RSA1024", NULL, "1024 bits" },
		{ "P-521", NULL, "secp521r1" },
		{ "secp256k1", NULL, "secp256k1" },
		{ "ED25519", NULL, "ED25519" },
		{ "P-256", "secret", "passphrase" },
	};
	EVP_PKEY	*k;
	size_t		 i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		k = certificate_key(rows[i].type);
		put_key("k", k, rows[i].passphrase);
		EVP_PKEY_free(k);
		assert_null(tls_files_key(tmpdir_file("k"), NULL, error));
		if (strstr(error, rows[i].said) == NULL)
			fail_msg("for %s: %s", rows[i].said, error);
	}
}

static void
files_that_are_no_keys_are_refused(void **state)
{
	static const struct {
		const char	*text, *said;
	}		 rows[] = {
		{ "", "no private key" },
		{ "hello\n", "no private key" },
		{ "-----BEGIN PRIVATE KEY-----\n", "" },
		{ "-----BEGIN PRIVATE KEY-----\nAAAA\n"
		    "-----END PRIVATE KEY-----\n", "not a private key" },
		{ "-----BEGIN PUBLIC KEY-----\nAAAA\n"
		    "-----END PUBLIC KEY-----\n", "no private key" },
	};
	static char	 big[70000];
	size_t		 i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		tmpdir_write("k", rows[i].text, strlen(rows[i].text));
		assert_null(tls_files_key(tmpdir_file("k"), NULL, error));
		assert_non_null(strstr(error, rows[i].said));
	}
	tmpdir_write("k", big, sizeof(big));
	assert_null(tls_files_key(tmpdir_file("k"), NULL, error));
	assert_non_null(strstr(error, "longer than"));
	assert_null(tls_files_key(tmpdir_file("none"), NULL, error));
	assert_string_equal(error, strerror(ENOENT));
	assert_null(tls_files_key(tmpdir_path, NULL, error));
	assert_string_equal(error, "is not a regular file");
	assert_int_equal(mkfifo(tmpdir_file("fifo"), 0600), 0);
	assert_null(tls_files_key(tmpdir_file("fifo"), NULL, error));
	assert_string_equal(error, "is not a regular file");
}

static int
chain(const char *name)
{
	struct tls_certificate	 c = { .nchain = 0 };
	int			 n;

	if (tls_files_chain(tmpdir_file(name), &c, error) == -1)
		return -1;
	n = (int)c.nchain;
	tls_certificate_clear(&c);
	return n;
}

static void
chains_have_an_order(void **state)
{
	EVP_PKEY	*k = certificate_key("P-256");
	X509		*forged = certificate_make("a.example", key, YEAR,
	    "CA", k);
	FILE		*f;
	int		 i;

	(void)state;
	put_chain("c", host, ca);
	assert_int_equal(chain("c"), 2);
	put_chain("c", host, NULL);
	assert_int_equal(chain("c"), 1);
	put_chain("c", ca, host);
	assert_int_equal(chain("c"), -1);
	assert_non_null(strstr(error, "certificate 2 in it did not issue "
	    "certificate 1"));
	put_chain("c", host, other);
	assert_int_equal(chain("c"), -1);
	/* The right name of an issuer is not yet its signature. */
	put_chain("c", forged, ca);
	assert_int_equal(chain("c"), -1);
	put_chain("c", NULL, NULL);
	assert_int_equal(chain("c"), -1);
	assert_non_null(strstr(error, "no certificate"));
	tmpdir_write("c", "-----BEGIN CERTIFICATE-----\nAAAA\n"
	    "-----END CERTIFICATE-----\n", 58);
	assert_int_equal(chain("c"), -1);
	assert_non_null(strstr(error, "certificate 1 in it"));
	/* One file with the key too is what some tools write. */
	put_chain("c", host, ca);
	f = fopen(tmpdir_file("c"), "a");
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	assert_int_equal(chain("c"), 2);
	f = fopen(tmpdir_file("c"), "w");
	for (i = 0; i <= TLS_CHAIN_MAX; i++)
		PEM_write_X509(f, ca);
	fclose(f);
	assert_int_equal(chain("c"), -1);
	assert_non_null(strstr(error, "more than 10"));
	X509_free(forged);
	EVP_PKEY_free(k);
}

static void
a_chain_is_good_while_all_of_it_is(void **state)
{
	X509			*one = certificate_make("a.example", key,
				    YEAR, NULL, NULL);
	X509			*two = certificate_make("CA", ca_key, YEAR,
				    NULL, NULL);
	struct tls_certificate	 c = { .nchain = 2 };
	int			 order;

	(void)state;
	ASN1_TIME_set(X509_getm_notBefore(one), 1000);
	ASN1_TIME_set(X509_getm_notAfter(one), 4000);
	ASN1_TIME_set(X509_getm_notBefore(two), 2000);
	ASN1_TIME_set(X509_getm_notAfter(two), 3000);
	for (order = 0; order < 2; order++) {
		c.chain[order] = one;
		c.chain[!order] = two;
		assert_int_equal(tls_certificate_from(&c), 2000);
		assert_int_equal(tls_certificate_until(&c), 3000);
	}
	X509_free(one);
	X509_free(two);
}

/* A response about x by the signer; next in seconds from now, 0: none. */
static void
put_ocsp(const char *name, X509 *x, int status, long next, X509 *signer,
    EVP_PKEY *signer_key)
{
	OCSP_BASICRESP	*b = OCSP_BASICRESP_new();
	OCSP_RESPONSE	*r;
	OCSP_CERTID	*id = OCSP_cert_to_id(NULL, x, ca);
	ASN1_TIME	*this = X509_gmtime_adj(NULL, -7200);
	ASN1_TIME	*until = X509_gmtime_adj(NULL, next);
	unsigned char	*der = NULL;
	int		 len;

	assert_non_null(OCSP_basic_add1_status(b, id, status, 0,
	    status == V_OCSP_CERTSTATUS_REVOKED ? this : NULL, this,
	    next == 0 ? NULL : until));
	assert_int_equal(OCSP_basic_sign(b, signer, signer_key, EVP_sha256(),
	    NULL, 0), 1);
	r = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, b);
	len = i2d_OCSP_RESPONSE(r, &der);
	tmpdir_write(name, der, (size_t)len);
	OPENSSL_free(der);
	OCSP_RESPONSE_free(r);
	OCSP_BASICRESP_free(b);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(this);
	ASN1_TIME_free(until);
}

static int
ocsp(bool with_issuer)
{
	struct tls_certificate	 c = { .chain = { host, ca },
	    .nchain = with_issuer ? 2 : 1 };
	time_t			 until;
	int			 n;

	error[0] = '\0';
	n = tls_files_ocsp(tmpdir_file("o"), &c, &until, error);
	free(c.ocsp);
	return n;
}

static void
responses_are_about_this_certificate_now(void **state)
{
	static const struct {
		bool		 of_host;
		int		 status;
		long		 next;
		bool		 by_ca;
		const char	*said;	/* NULL: taken */
	}		 rows[] = {
		{ true, V_OCSP_CERTSTATUS_GOOD, 3600, true, NULL },
		{ true, V_OCSP_CERTSTATUS_GOOD, 0, true, NULL },
		{ true, V_OCSP_CERTSTATUS_GOOD, -3600, true, "time is over" },
		{ true, V_OCSP_CERTSTATUS_REVOKED, 3600, true, "revoked" },
		{ true, V_OCSP_CERTSTATUS_UNKNOWN, 3600, true, "unknown" },
		{ false, V_OCSP_CERTSTATUS_GOOD, 3600, true, "another" },
		{ true, V_OCSP_CERTSTATUS_GOOD, 3600, false, "not signed" },
	};
	size_t		 i;
	int		 n;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		put_ocsp("o", rows[i].of_host ? host : other, rows[i].status,
		    rows[i].next, rows[i].by_ca ? ca : other,
		    rows[i].by_ca ? ca_key : other_key);
		n = ocsp(true);
		if ((n == 0) != (rows[i].said == NULL) || (n == -1 &&
		    strstr(error, rows[i].said) == NULL))
			fail_msg("row %zu: %d %s", i, n, error);
		/* Without the issuer its signature cannot be checked. */
		n = ocsp(false);
		if ((n == 0) != (rows[i].said == NULL || !rows[i].by_ca))
			fail_msg("row %zu alone: %d %s", i, n, error);
	}
	tmpdir_write("o", "rubbish", 7);
	assert_int_equal(ocsp(true), -1);
	assert_non_null(strstr(error, "not an OCSP response"));
	tmpdir_write("o", "\x30\x03\x0a\x01\x06", 5);	/* unauthorized */
	assert_int_equal(ocsp(true), -1);
	assert_non_null(strstr(error, "unauthorized"));
}

static struct config_certificate	 section[2];
static struct config			 conf;
static struct keys			 keys;
static struct buf			 err;

static char *
path_of(const char *name)
{
	return strdup(tmpdir_file(name));
}

static void
begin(void)
{
	put_chain("1.chain", host, ca);
	put_key("1.key", key, NULL);
	put_chain("2.chain", other, NULL);
	put_key("2.key", other_key, NULL);
	section[0] = (struct config_certificate){ strdup("one"),
	    path_of("1.chain"), path_of("1.key"), path_of("1.ocsp") };
	section[1] = (struct config_certificate){ strdup("two"),
	    path_of("2.chain"), path_of("2.key"), NULL };
	conf.certificate = section;
	conf.ncertificate = 2;
	conf.keyd.warn = 14 * 86400;
	buf_init(&err, 65536);
	memset(&keys, 0, sizeof(keys));
	keys_load(&keys, &conf, &err);
}

static void
end(void)
{
	size_t	 i;

	keys_free(&keys);
	buf_free(&err);
	for (i = 0; i < 2; i++) {
		free(section[i].name);
		free(section[i].chain);
		free(section[i].key);
		free(section[i].ocsp);
	}
	unlink(tmpdir_file("1.ocsp"));
}

static void
good_files_are_loaded(void **state)
{
	char	 id[TLS_KEY_ID + 1];

	(void)state;
	begin();
	assert_string_equal(buf_cstr(&err), "");
	assert_int_equal(keys.n, 2);
	assert_int_equal(keys_good(&keys), 2);
	assert_int_equal(tls_key_id(other, id), 0);
	assert_ptr_equal(keys_find(&keys, id), keys.pair[1].key);
	assert_null(keys_find(&keys, ""));
	id[0] = id[0] == '0' ? '1' : '0';
	assert_null(keys_find(&keys, id));
	assert_false(keys_look(&keys));
	/* Its end is near: that was said. */
	assert_true(keys.pair[1].warned != 0);
	assert_true(keys.pair[0].warned == 0);
	end();
}

static void
a_new_certificate_is_found(void **state)
{
	X509	*x = certificate_make("new", key, YEAR, NULL, NULL);

	(void)state;
	begin();
	put_chain("1.chain", x, NULL);
	assert_true(keys_look(&keys));
	assert_int_equal(X509_cmp(keys.pair[0].cert.chain[0], x), 0);
	assert_false(keys_look(&keys));
	end();
	X509_free(x);
}

/* Who has the old certificate still shakes hands with its key. */
static void
a_replaced_key_signs_a_while_longer(void **state)
{
	X509	*x = certificate_make("new", other_key, YEAR, NULL, NULL);
	char	 id[TLS_KEY_ID + 1];

	(void)state;
	begin();
	assert_int_equal(tls_key_id(host, id), 0);
	put_key("1.key", other_key, NULL);
	put_chain("1.chain", x, NULL);
	assert_true(keys_look(&keys));
	assert_non_null(keys_find(&keys, id));
	assert_int_equal(keys.nretired, 1);
	assert_int_equal(keys_good(&keys), 2);
	/* Of the same key again: nothing to be kept. */
	put_chain("1.chain", x, NULL);
	assert_true(keys_look(&keys));
	keys_load(&keys, &conf, &err);
	assert_int_equal(keys.nretired, 1);
	keys.retired[0].until = time(NULL);
	assert_false(keys_look(&keys));
	assert_null(keys_find(&keys, id));
	/* A clock that jumped back does not keep it for ever. */
	put_key("1.key", key, NULL);
	put_chain("1.chain", host, ca);
	assert_true(keys_look(&keys));
	assert_int_equal(keys.nretired, 1);
	keys.retired[0].until += 1;
	assert_false(keys_look(&keys));
	assert_int_equal(keys.nretired, 0);
	/* A section that is gone. */
	conf.ncertificate = 0;
	keys_load(&keys, &conf, &err);
	assert_non_null(keys_find(&keys, id));
	end();
	X509_free(x);
}

static void
bad_new_files_leave_the_old_in_place(void **state)
{
	static const char	 rubbish[] = "rubbish\n";

	(void)state;
	begin();
	tmpdir_write("1.chain", rubbish, sizeof(rubbish) - 1);
	assert_false(keys_look(&keys));
	assert_false(keys_look(&keys));
	assert_int_equal(keys_good(&keys), 2);
	assert_int_equal(X509_cmp(keys.pair[0].cert.chain[0], host), 0);
	put_chain("1.chain", host, ca);
	put_key("1.key", other_key, NULL);	/* of another */
	assert_false(keys_look(&keys));
	assert_int_equal(keys_good(&keys), 2);
	unlink(tmpdir_file("1.key"));
	assert_false(keys_look(&keys));
	assert_int_equal(keys_good(&keys), 2);
	put_key("1.key", key, NULL);
	assert_true(keys_look(&keys));
	end();
}

static void
a_reload_keeps_what_was_good(void **state)
{
	(void)state;
	begin();
	tmpdir_write("1.key", "x\n", 2);
	keys_load(&keys, &conf, &err);
	assert_int_equal(keys_good(&keys), 2);
	assert_non_null(strstr(buf_cstr(&err), "1.key: no private key"));
	/* Another file is not known as good from before. */
	free(section[0].key);
	section[0].key = path_of("3.key");
	buf_clear(&err);
	keys_load(&keys, &conf, &err);
	assert_int_equal(keys_good(&keys), 1);
	assert_non_null(strstr(buf_cstr(&err), "3.key: No such file"));
	/* When all are bad the old ones stay, whatever their names. */
	free(section[1].key);
	section[1].key = path_of("4.key");
	keys_load(&keys, &conf, &err);
	assert_int_equal(keys_good(&keys), 1);
	conf.ncertificate = 0;
	keys_load(&keys, &conf, &err);
	assert_int_equal(keys_good(&keys), 0);
	end();
}

static void
a_response_comes_and_goes(void **state)
{
	(void)state;
	begin();
	assert_null(keys.pair[0].cert.ocsp);
	put_ocsp("1.ocsp", host, V_OCSP_CERTSTATUS_GOOD, 3600, ca, ca_key);
	assert_true(keys_look(&keys));
	assert_non_null(keys.pair[0].cert.ocsp);
	assert_false(keys_look(&keys));
	keys.pair[0].ocsp_until = time(NULL) - 1;
	assert_true(keys_look(&keys));
	assert_null(keys.pair[0].cert.ocsp);
	assert_false(keys_look(&keys));
	put_ocsp("1.ocsp", other, V_OCSP_CERTSTATUS_GOOD, 3600, ca, ca_key);
	assert_true(keys_look(&keys));	/* read again, without it */
	assert_null(keys.pair[0].cert.ocsp);
	assert_int_equal(keys_good(&keys), 2);
	end();
}

static void
the_file_is_replaced_only_when_it_must_be(void **state)
{
	struct tls_certificate	*all;
	struct publish		 p;
	struct stat		 a, b;
	size_t			 n;

	(void)state;
	begin();
	assert_int_equal(mkdir(tmpdir_file("keyd"), 0755), 0);
	publish_init(&p, tmpdir_path);
	publish_keys(&p, &keys);
	assert_int_equal(stat(p.path, &a), 0);
	assert_int_equal(a.st_mode & 07777, 0644);
	assert_int_equal(tls_certificates_read(p.path, &all, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(all[0].name, "one");
	assert_int_equal(X509_cmp(all[0].chain[0], host), 0);
	tls_certificates_free(all, n);
	publish_keys(&p, &keys);
	publish_free(&p);
	publish_init(&p, tmpdir_path);	/* another start */
	publish_keys(&p, &keys);
	assert_int_equal(stat(p.path, &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	conf.ncertificate = 1;
	keys_load(&keys, &conf, &err);
	publish_keys(&p, &keys);
	assert_int_equal(tls_certificates_read(p.path, &all, &n), 0);
	assert_int_equal(n, 1);
	tls_certificates_free(all, n);
	publish_free(&p);
	end();
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(good_keys_are_taken),
		cmocka_unit_test(bad_keys_are_refused),
		cmocka_unit_test(files_that_are_no_keys_are_refused),
		cmocka_unit_test(chains_have_an_order),
		cmocka_unit_test(a_chain_is_good_while_all_of_it_is),
		cmocka_unit_test(responses_are_about_this_certificate_now),
		cmocka_unit_test(good_files_are_loaded),
		cmocka_unit_test(a_new_certificate_is_found),
		cmocka_unit_test(a_replaced_key_signs_a_while_longer),
		cmocka_unit_test(bad_new_files_leave_the_old_in_place),
		cmocka_unit_test(a_reload_keeps_what_was_good),
		cmocka_unit_test(a_response_comes_and_goes),
		cmocka_unit_test(the_file_is_replaced_only_when_it_must_be),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
