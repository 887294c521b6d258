/* keyd's file of certificates: round trip, refusals, names of keys. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lib/net/tls_certificates.h"
#include "lib/net/tls_files.h"
#include "tests/unit/certificate.h"
#include "tests/unit/tmpdir.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static EVP_PKEY		*key;
static X509		*host, *issuer;
static unsigned char	 ocsp[300];

static int
setup(void **state)
{
	key = certificate_key("P-256");
	host = certificate_make("mail.example.org", key, 86400, "CA", NULL);
	issuer = certificate_make("CA", key, 86400, NULL, NULL);
	memset(ocsp, 0x5a, sizeof(ocsp));
	return tmpdir_setup(state);
}

static int
teardown(void **state)
{
	X509_free(host);
	X509_free(issuer);
	EVP_PKEY_free(key);
	return tmpdir_teardown(state);
}

/* Two certificates: one with a chain and a response, one bare. */
static void
write_two(struct buf *b)
{
	struct tls_certificate	 c = { .name = "mail", .chain = { host,
	    issuer }, .nchain = 2, .ocsp = ocsp, .ocsp_len = sizeof(ocsp) };

	buf_init(b, TLS_CERTIFICATES_MAX);
	assert_int_equal(tls_certificates_begin(b), 0);
	assert_int_equal(tls_certificates_write(b, &c), 0);
	strcpy(c.name, "of another host");
	c.nchain = 1;
	c.ocsp_len = 0;
	assert_int_equal(tls_certificates_write(b, &c), 0);
	assert_int_equal(tls_certificates_end(b), 0);
}

static void
a_file_comes_out_as_it_went_in(void **state)
{
	struct tls_certificate	*all;
	struct buf		 b;
	size_t			 n;

	(void)state;
	write_two(&b);
	tmpdir_write("c", b.ptr, b.len);
	assert_int_equal(tls_certificates_read(tmpdir_file("c"), &all, &n),
	    0);
	assert_int_equal(n, 2);
	assert_string_equal(all[0].name, "mail");
	assert_int_equal(all[0].nchain, 2);
	assert_int_equal(X509_cmp(all[0].chain[0], host), 0);
	assert_int_equal(X509_cmp(all[0].chain[1], issuer), 0);
	assert_int_equal(all[0].ocsp_len, sizeof(ocsp));
	assert_memory_equal(all[0].ocsp, ocsp, sizeof(ocsp));
	assert_string_equal(all[1].name, "of another host");
	assert_int_equal(all[1].nchain, 1);
	assert_null(all[1].ocsp);
	tls_certificates_free(all, n);
	buf_free(&b);
}

static void
no_certificate_is_a_file_too(void **state)
{
	static const char	 text[] = "merpati-certificates 1\nend\n";
	struct tls_certificate	*all;
	size_t			 n;

	(void)state;
	assert_int_equal(tls_certificates_parse((struct slice){ text,
	    sizeof(text) - 1 }, &all, &n), 0);
	assert_int_equal(n, 0);
	tls_certificates_free(all, n);
}

static void
what_cannot_be_read_is_not_written(void **state)
{
	struct tls_certificate	 c = { .name = "mail", .chain = { host },
	    .nchain = 1 };
	struct buf		 b;

	(void)state;
	buf_init(&b, 100);
	assert_int_equal(tls_certificates_write(&b, &c), -1);
	assert_int_equal(errno, EMSGSIZE);
	b.max = TLS_CERTIFICATES_MAX;
	c.nchain = 0;
	assert_int_equal(tls_certificates_write(&b, &c), -1);
	c.nchain = TLS_CHAIN_MAX + 1;
	assert_int_equal(tls_certificates_write(&b, &c), -1);
	c.nchain = 1;
	c.name[0] = '\0';
	assert_int_equal(tls_certificates_write(&b, &c), -1);
	strcpy(c.name, "a\nend");
	assert_int_equal(tls_certificates_write(&b, &c), -1);
	strcpy(c.name, "a");
	c.ocsp = ocsp;
	c.ocsp_len = TLS_OCSP_MAX + 1;
	assert_int_equal(tls_certificates_write(&b, &c), -1);
	assert_int_equal(errno, EINVAL);
	buf_free(&b);
}

/* The first place where from stands becomes to. */
static void
change(struct buf *b, const char *from, const char *to)
{
	const char	*at = strstr(buf_cstr(b), from);
	struct buf	 with;

	assert_non_null(at);
	buf_init(&with, TLS_CERTIFICATES_MAX);
	assert_int_equal(buf_add(&with, b->ptr, (size_t)(at - b->ptr)), 0);
	assert_int_equal(buf_addstr(&with, to), 0);
	assert_int_equal(buf_addstr(&with, at + strlen(from)), 0);
	buf_free(b);
	*b = with;
}

static void
refused(struct slice s, const char *what)
{
	struct tls_certificate	*all = (void *)&all;
	size_t			 n = 9;

	errno = 0;
	if (tls_certificates_parse(s, &all, &n) != -1)
		fail_msg("taken: %s", what);
	assert_int_equal(errno, EBADMSG);
	assert_null(all);
	assert_int_equal(n, 0);
}

static void
malformed_files_are_refused(void **state)
{
	static const struct {
		const char	*from, *to;
	}		 rows[] = {
		{ "merpati-certificates 1\n", "" },
		{ "merpati-certificates 1", "merpati-certificates 2" },
		{ "merpati-certificates 1", "\nmerpati-certificates 1" },
		{ "certificate mail\n", "" },
		{ "certificate mail", "certificate" },
		{ "certificate mail", "certificate " },
		{ "certificate mail", "certificate \x7f" },
		{ "certificate mail", "certificate 12345678901234567890123456"
		    "7890123456789012345678901234567890123456789" },
		{ "certificate mail", "certificate mail\ncertificate mail" },
		{ "certificate mail", "certificate mail\n" },
		{ "ocsp W", "ocsp W\nocsp W" },
		{ "ocsp W", "ocsp =" },
		{ "ocsp W", "ocsp " },
		{ "ocsp W", "ocsp W W" },
		{ "ocsp ", "OCSP " },
		{ "-----BEGIN CERTIFICATE-----\nM", "" },
		{ "-----BEGIN CERTIFICATE-----\nM",
		    "-----BEGIN CERTIFICATE-----\nN" },
		{ "-----BEGIN CERTIFICATE-----\nM",
		    "-----BEGIN CERTIFICATE-----\nM M" },
		{ "-----BEGIN CERTIFICATE-----\nM",
		    "-----BEGIN CERTIFICATE-----\n\nM" },
		{ "-----BEGIN CERTIFICATE-----",
		    "-----BEGIN CERTIFICATE-----\r" },
		{ "-----BEGIN CERTIFICATE-----",
		    "-----BEGIN PRIVATE KEY-----" },
		{ "-----END CERTIFICATE-----\n",
		    "AAAA\n-----END CERTIFICATE-----\n" },
		{ "-----END CERTIFICATE-----\n", "" },
		{ "-----END CERTIFICATE-----\n",
		    "-----END CERTIFICATE-----\nrubbish\n" },
		{ "\nend\n", "\n" },
		{ "\nend\n", "\nend" },
		{ "\nend\n", "\nend\nend\n" },
		{ "\nend\n", "\ncertificate last\nend\n" },
	};
	struct buf	 b;
	size_t		 i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		write_two(&b);
		change(&b, rows[i].from, rows[i].to);
		refused(buf_slice(&b), rows[i].to);
		buf_free(&b);
	}
}

static void
a_part_of_a_file_is_refused(void **state)
{
	struct buf	 b;
	size_t		 i;

	(void)state;
	write_two(&b);
	for (i = 0; i < b.len; i += 7)
		refused((struct slice){ b.ptr, i }, "a part");
	refused((struct slice){ b.ptr, b.len - 1 }, "all but one octet");
	buf_free(&b);
}

static void
octets_of_nul_are_refused(void **state)
{
	struct buf	 b;
	size_t		 i;

	(void)state;
	for (i = 0; i < 60; i++) {
		write_two(&b);
		b.ptr[i] = '\0';
		refused(buf_slice(&b), "a NUL");
		buf_free(&b);
	}
}

static void
longer_chains_than_allowed_are_refused(void **state)
{
	struct tls_certificate	 c = { .name = "m", .nchain = 1 };
	struct buf		 b, one;
	size_t			 i;

	(void)state;
	c.chain[0] = host;
	buf_init(&b, TLS_CERTIFICATES_MAX);
	buf_init(&one, TLS_CERTIFICATES_MAX);
	assert_int_equal(tls_certificates_begin(&b), 0);
	assert_int_equal(tls_certificates_write(&b, &c), 0);
	assert_int_equal(tls_certificates_write(&one, &c), 0);
	buf_consume(&one, strlen("certificate m\n"));
	for (i = 0; i < TLS_CHAIN_MAX; i++)
		assert_int_equal(buf_add(&b, one.ptr, one.len), 0);
	assert_int_equal(tls_certificates_end(&b), 0);
	refused(buf_slice(&b), "too long a chain");
	buf_free(&b);
	buf_free(&one);
}

static void
read_says_why_it_cannot(void **state)
{
	struct tls_certificate	*all;
	size_t			 n;
	int			 fd;

	(void)state;
	assert_int_equal(tls_certificates_read(tmpdir_file("no"), &all, &n),
	    -1);
	assert_int_equal(errno, ENOENT);
	tmpdir_write("c", "hello\n", 6);
	assert_int_equal(tls_certificates_read(tmpdir_file("c"), &all, &n),
	    -1);
	assert_int_equal(errno, EBADMSG);
	fd = open(tmpdir_file("c"), O_WRONLY);
	assert_int_equal(ftruncate(fd, TLS_CERTIFICATES_MAX + 1), 0);
	close(fd);
	assert_int_equal(tls_certificates_read(tmpdir_file("c"), &all, &n),
	    -1);
	assert_int_equal(errno, EBADMSG);
}

static void
a_key_has_one_name(void **state)
{
	EVP_PKEY	*other = certificate_key("P-256");
	X509		*x = certificate_make("mail.example.org", other, 60,
	    NULL, NULL);
	char		 a[TLS_KEY_ID + 1], b[TLS_KEY_ID + 1];

	(void)state;
	assert_int_equal(tls_key_id(host, a), 0);
	assert_int_equal(strlen(a), TLS_KEY_ID);
	assert_int_equal(strspn(a, "0123456789abcdef"), TLS_KEY_ID);
	assert_int_equal(tls_key_id(issuer, b), 0);
	assert_string_equal(a, b);	/* another certificate, same key */
	assert_int_equal(tls_key_id(x, b), 0);
	assert_string_not_equal(a, b);
	X509_free(x);
	x = X509_new();
	assert_int_equal(tls_key_id(x, b), -1);
	X509_free(x);
	EVP_PKEY_free(other);
}

static void
days_are_whole_and_rounded_down(void **state)
{
	static const struct {
		time_t	 left;
		long	 days;
	}	 cases[] = {
		{ 0, 0 }, { 1, 0 }, { 86399, 0 }, { 86400, 1 },
		{ 90 * 86400, 90 }, { -1, -1 }, { -86400, -1 },
		{ -86401, -2 },
	};
	time_t	 now = time(NULL);
	size_t	 i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		assert_int_equal(tls_days_left(now + cases[i].left, now),
		    cases[i].days);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(a_file_comes_out_as_it_went_in),
		cmocka_unit_test(days_are_whole_and_rounded_down),
		cmocka_unit_test(no_certificate_is_a_file_too),
		cmocka_unit_test(what_cannot_be_read_is_not_written),
		cmocka_unit_test(malformed_files_are_refused),
		cmocka_unit_test(a_part_of_a_file_is_refused),
		cmocka_unit_test(octets_of_nul_are_refused),
		cmocka_unit_test(longer_chains_than_allowed_are_refused),
		cmocka_unit_test(read_says_why_it_cannot),
		cmocka_unit_test(a_key_has_one_name),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
