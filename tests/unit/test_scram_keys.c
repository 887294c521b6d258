/* SCRAM's keys (RFC 5802, RFC 7677), and the secrets that hold them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/base64.h"
#include "lib/store/scram_keys.h"
#include "lib/base/saslprep.h"
#include "lib/store/secret.h"

/* RFC 5802 5 and RFC 7677 3: the password is "pencil". */
static const struct {
	enum scram_hash	 hash;
	const char	*salt, *message, *proof, *signature;
} examples[] = {
	{ SCRAM_SHA_1, "QSXCR+Q6sek8bf92",
	    "n=user,r=fyko+d2lbbFgONRv9qkxdawL,"
	    "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
	    "s=QSXCR+Q6sek8bf92,i=4096,"
	    "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
	    "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "rmF9pqV8S7suAoZWja4dJRkFsKQ=" },
	{ SCRAM_SHA_256, "W22ZaJ0SNY7soEsUEjb6gQ==",
	    "n=user,r=rOprNGfwEbeRWgbNEkqO,"
	    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	    "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
	    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
	    "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	    "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" },
};

static struct scram_keys
keys_of(size_t i)
{
	struct scram_keys	 k = { .hash = examples[i].hash,
	    .iterations = 4096 };
	struct buf		 b;

	buf_init(&b, SCRAM_SALT_MAX);
	assert_int_equal(base64_decode(slice_str(examples[i].salt), &b), 0);
	memcpy(k.salt, b.ptr, b.len);
	k.salt_len = b.len;
	buf_free(&b);
	assert_int_equal(scram_keys_make(&k, "pencil"), 0);
	return k;
}

static void
the_examples_of_the_rfcs_are_proved(void **state)
{
	struct scram_keys	 k;
	char			 sig[SCRAM_BASE64];
	size_t			 i;

	(void)state;
	for (i = 0; i < 2; i++) {
		k = keys_of(i);
		assert_true(scram_keys_fit(&k, "pencil"));
		assert_true(scram_keys_prove(&k, examples[i].message,
		    examples[i].proof, sig));
		assert_string_equal(sig, examples[i].signature);
	}
}

static void
anything_else_proves_nothing(void **state)
{
	struct scram_keys	 k;
	char			 sig[SCRAM_BASE64], proof[SCRAM_BASE64];
	size_t			 i, j;

	(void)state;
	for (i = 0; i < 2; i++) {
		k = keys_of(i);
		assert_false(scram_keys_fit(&k, "Pencil"));
		assert_false(scram_keys_fit(&k, ""));
		assert_false(scram_keys_prove(&k, "n=other",
		    examples[i].proof, sig));
		assert_string_equal(sig, "");
		assert_false(scram_keys_prove(&k, examples[i].message,
		    examples[1 - i].proof, sig));
		assert_false(scram_keys_prove(&k, examples[i].message, "",
		    sig));
		assert_false(scram_keys_prove(&k, examples[i].message, "=",
		    sig));
		strcpy(proof, examples[i].proof);
		for (j = 0; j + 2 < strlen(proof); j++) {
			proof[j] = proof[j] == 'B' ? 'C' : 'B';
			assert_false(scram_keys_prove(&k,
			    examples[i].message, proof, sig));
			proof[j] = examples[i].proof[j];
		}
		k.stored[0] ^= 1;
		assert_false(scram_keys_prove(&k, examples[i].message,
		    examples[i].proof, sig));
	}
}

static void
keys_are_read_as_they_were_written(void **state)
{
	struct scram_keys	 k, l;
	char			 text[SCRAM_KEYS_TEXT];
	size_t			 i;

	(void)state;
	for (i = 0; i < 2; i++) {
		k = keys_of(i);
		scram_keys_print(&k, text);
		assert_int_equal(scram_keys_parse(slice_str(text),
		    examples[i].hash, &l), 0);
		assert_memory_equal(&k, &l, sizeof(k));
		/* SHA-1's keys are no SHA-256's. */
		assert_int_equal(scram_keys_parse(slice_str(text),
		    examples[1 - i].hash, &l), -1);
		assert_int_equal(errno, EINVAL);
	}
	k.hash = SCRAM_SHA_256;
	k.salt_len = SCRAM_SALT_MAX;
	k.iterations = SCRAM_ITERATIONS_MAX;
	scram_keys_print(&k, text);
	assert_int_equal(scram_keys_parse(slice_str(text), SCRAM_SHA_256,
	    &l), 0);
}

#define K32	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void
malformed_keys_are_refused(void **state)
{
	static const char	*const t[] = { "", ",", "4096", "4096,,,",
	    "4095,QUJD," K32 "," K32, "1000001,QUJD," K32 "," K32,
	    "-1,QUJD," K32 "," K32, "4096,," K32 "," K32,
	    "4096,Q," K32 "," K32, "4096,QUJD," K32, "4096,QUJD," K32 ",",
	    "4096,QUJD," K32 "," K32 ",", "4096,QUJD," K32 "," K32 " ",
	    "4096,QUJD,AAAA," K32, "4096,QUJD," K32 ",AAAA",
	    "4096,QUJD," K32 K32 "," K32, "4096," K32 K32 "," K32 "," K32 };
	struct scram_keys	 k;
	const char		*why;
	char			 secret[300];
	size_t			 i;

	(void)state;
	assert_int_equal(scram_keys_parse(slice_str("4096,QUJD," K32 "," K32),
	    SCRAM_SHA_256, &k), 0);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(scram_keys_parse(slice_str(t[i]),
		    SCRAM_SHA_256, &k), -1);
		strcpy(secret, "{SCRAM-SHA-256}");
		strcat(secret, t[i]);
		assert_null(secret_normal(secret, &why));
		assert_string_equal(why, "bad keys of SCRAM");
	}
}

static void
a_secret_may_be_keys(void **state)
{
	struct scram_keys	 k = keys_of(1), l;
	char			 secret[300] = "{scram-sha-256}";
	const char		*why;

	(void)state;
	scram_keys_print(&k, secret + strlen(secret));
	assert_ptr_equal(secret_normal(secret, &why), secret);
	assert_true(secret_keys(secret, SCRAM_SHA_256, &l));
	assert_memory_equal(&k, &l, sizeof(k));
	assert_false(secret_keys(secret, SCRAM_SHA_1, &l));
	assert_true(secret_verify(secret, "pencil"));
	assert_false(secret_verify(secret, "pen"));
	assert_false(secret_verify(secret, ""));
	assert_int_equal(secret_class(secret),
	    strlen("{SCRAM-SHA-256}4096"));
	assert_null(secret_word(secret));
	assert_string_equal(secret_word("{Plain}a b"), "a b");
	k = keys_of(0);
	strcpy(secret, "{SCRAM-SHA-1}");
	scram_keys_print(&k, secret + strlen(secret));
	assert_true(secret_verify(secret, "pencil"));
	assert_false(secret_verify(secret, "Pencil"));
}

static void
passwords_are_prepared(void **state)
{
	static const struct {
		const char	*in, *out;
	}		 t[] = {		/* RFC 4013 3, and more */
		{ "I\xc2\xadX", "IX" },
		{ "user", "user" },
		{ "USER", "USER" },
		{ "\xc2\xaa", "a" },
		{ "\xe2\x85\xa8", "IX" },
		{ "a\xc2\xa0" "b", "a b" },
		{ "a\xe3\x80\x80" "b", "a b" },
		{ "u\xcc\x88", "\xc3\xbc" },
		{ "\xef\xbb\xbfx", "x" },
		{ "\xe2\x80\x8d", "" },
		{ "\xff\xfe", "\xff\xfe" },
		{ "", "" },
	};
	char		*out;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		out = saslprep(t[i].in);
		assert_string_equal(out, t[i].out);
		saslprep_free(out);
	}
	saslprep_free(NULL);
}

static void
hashes_have_names(void **state)
{
	(void)state;
	assert_int_equal(scram_hash_named("SHA-256"), SCRAM_SHA_256);
	assert_int_equal(scram_hash_named("SHA-1"), SCRAM_SHA_1);
	assert_int_equal(scram_hash_named("SHA-512"), SCRAM_HASHES);
	assert_int_equal(scram_hash_named(""), SCRAM_HASHES);
	assert_string_equal(scram_hash_name(SCRAM_SHA_1), "SHA-1");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(the_examples_of_the_rfcs_are_proved),
		cmocka_unit_test(anything_else_proves_nothing),
		cmocka_unit_test(keys_are_read_as_they_were_written),
		cmocka_unit_test(malformed_keys_are_refused),
		cmocka_unit_test(a_secret_may_be_keys),
		cmocka_unit_test(passwords_are_prepared),
		cmocka_unit_test(hashes_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
