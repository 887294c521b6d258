/* What keyd's keys do, and what they refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "keyd/sign.h"
#include "tests/unit/certificate.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static struct key_signature	 sig;

static struct key_sign
question(enum key_scheme scheme, const char *digest, size_t len)
{
	struct key_sign	 s = { .scheme = scheme, .len = len };

	snprintf(s.digest, sizeof(s.digest), "%s", digest);
	memset(s.data, 0x77, sizeof(s.data));
	return s;
}

/* As a TLS client does, with exactly that salt. */
static bool
verifies(EVP_PKEY *key, const struct key_sign *s)
{
	EVP_PKEY_CTX	*ctx = EVP_PKEY_CTX_new(key, NULL);
	bool		 good;

	assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
	if (s->scheme == KEY_RSA_PSS) {
		EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, (int)s->len);
	} else if (s->scheme == KEY_RSA_PKCS1)
		EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING);
	EVP_PKEY_CTX_set_signature_md(ctx, EVP_get_digestbyname(s->digest));
	good = EVP_PKEY_verify(ctx, sig.data, sig.len, s->data, s->len) == 1;
	EVP_PKEY_CTX_free(ctx);
	return good;
}

static void
signatures_verify(void **state)
{
	static const struct {
		const char	*type;
		enum key_scheme	 scheme;
		const char	*digest;
		size_t		 len;
	}		 rows[] = {
		{ "RSA2048", KEY_RSA_PKCS1, "sha256", 32 },
		{ "RSA2048", KEY_RSA_PKCS1, "sha512", 64 },
		{ "RSA2048", KEY_RSA_PSS, "sha256", 32 },
		{ "RSA2048", KEY_RSA_PSS, "sha384", 48 },
		{ "RSA2048", KEY_RSA_PSS, "sha512", 64 },
		{ "P-256", KEY_ECDSA, "sha256", 32 },
		{ "P-256", KEY_ECDSA, "sha512", 64 },
		{ "P-384", KEY_ECDSA, "sha384", 48 },
	};
	struct key_sign	 s;
	EVP_PKEY	*rsa = certificate_key("RSA2048"), *key;
	size_t		 i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		key = rows[i].scheme == KEY_ECDSA ?
		    certificate_key(rows[i].type) : rsa;
		s = question(rows[i].scheme, rows[i].digest, rows[i].len);
		sign_digest(key, &s, &sig);
		assert_true(sig.ok);
		assert_true(verifies(key, &s));
		s.data[0] ^= 1;
		assert_false(verifies(key, &s));
		if (key != rsa)
			EVP_PKEY_free(key);
	}
	EVP_PKEY_free(rsa);
}

static void
nothing_else_is_signed(void **state)
{
	static const struct {
		bool		 ec;
		enum key_scheme	 scheme;
		const char	*digest;
		size_t		 len;
	}		 rows[] = {
		{ true, KEY_RSA_PKCS1, "sha256", 32 },
		{ true, KEY_RSA_PSS, "sha256", 32 },
		{ false, KEY_ECDSA, "sha256", 32 },
		{ false, KEY_RSA_PKCS1, "sha256", 31 },
		{ false, KEY_RSA_PKCS1, "sha256", 64 },
		{ false, KEY_RSA_PKCS1, "sha256", 0 },
		{ false, KEY_RSA_PSS, "sha512", 32 },
		{ true, KEY_ECDSA, "sha256", 48 },
		{ true, KEY_ECDSA, "none", 32 },
		{ true, KEY_ECDSA, "", 32 },
	};
	struct key_sign	 s;
	EVP_PKEY	*rsa = certificate_key("RSA2048");
	EVP_PKEY	*ec = certificate_key("P-256");
	size_t		 i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		s = question(rows[i].scheme, rows[i].digest, rows[i].len);
		sig.ok = true;
		sign_digest(rows[i].ec ? ec : rsa, &s, &sig);
		if (sig.ok || sig.len != 0)
			fail_msg("row %zu was signed", i);
	}
	s = question(KEY_ECDSA, "sha256", 32);
	sign_digest(NULL, &s, &sig);
	assert_false(sig.ok);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(signatures_verify),
		cmocka_unit_test(nothing_else_is_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
