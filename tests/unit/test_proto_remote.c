/* Packets between queue-runner and remote: round trips, full ones, refusals. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/net/proto_remote.h"
#include "tests/unit/packet.h"

#define ID	"0123456789abcdefghjk"

static struct ipc_msg		 out, in;
static struct remote_job	 job, got;
static struct remote_result	 res, res_got;

static void
sample_host(struct resolver_host *h, unsigned int n, size_t naddr)
{
	memset(h, 0, sizeof(*h));
	snprintf(h->name, sizeof(h->name), "mx%u.example.net", n);
	h->preference = (uint16_t)(10 * n);
	for (h->naddr = 0; h->naddr < naddr; h->naddr++)
		snprintf(h->addr[h->naddr], sizeof(h->addr[0]),
		    "2001:db8::%x:%zx", n, h->naddr + 1);
}

static struct remote_open
sample_open(struct resolver_host *host)
{
	struct remote_open	 o = { .tls = REMOTE_TLS_REQUIRED, .port = 587,
	    .user = "a b+c", .password_file = "/etc/merpati/p w",
	    .nhost = 2, .host = host };

	sample_host(&host[0], 1, 2);
	sample_host(&host[1], 2, 1);
	return o;
}

static void
an_open_comes_out_as_it_went_in(void **state)
{
	struct resolver_host	 host[2];
	struct resolver_tlsa	 tlsa = { 3, 1, 1, 32, "0123" };
	struct remote_open	 o = sample_open(host), g;

	(void)state;
	host[1].secure = true;
	host[1].dane = DANE_TLSA;
	host[1].ntlsa = 1;
	host[1].tlsa = &tlsa;
	proto_remote_put_open(&out, 1, &o);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_remote_get_open(&in, &g), 0);
	assert_false(g.lmtp);
	assert_int_equal(g.tls, REMOTE_TLS_REQUIRED);
	assert_int_equal(g.port, 587);
	assert_string_equal(g.unix_path, "");
	assert_string_equal(g.user, o.user);
	assert_string_equal(g.password_file, o.password_file);
	assert_int_equal(g.nhost, 2);
	assert_string_equal(g.host[0].addr[1], "2001:db8::1:2");
	assert_string_equal(g.host[1].name, "mx2.example.net");
	assert_int_equal(g.host[1].dane, DANE_TLSA);
	assert_memory_equal(g.host[1].tlsa[0].data, tlsa.data, 32);
	proto_remote_open_free(&g);

	memset(&o, 0, sizeof(o));
	o.lmtp = true;
	strcpy(o.unix_path, "/run/other/lmtp");
	proto_remote_put_open(&out, 1, &o);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_remote_get_open(&in, &g), 0);
	assert_true(g.lmtp);
	assert_string_equal(g.unix_path, o.unix_path);
	assert_int_equal(g.nhost, 0);
	proto_remote_open_free(&g);
}

static void
hosts_that_do_not_fit_are_left_out(void **state)
{
	struct resolver_host	 host[REMOTE_HOSTS];
	struct resolver_tlsa	 tlsa[RESOLVER_TLSA];
	struct remote_open	 o = { .port = 25, .nhost = REMOTE_HOSTS,
	    .host = host }, g;
	size_t			 i;

	(void)state;
	memset(tlsa, 0, sizeof(tlsa));
	for (i = 0; i < RESOLVER_TLSA; i++)
		tlsa[i].len = 600;
	for (i = 0; i < REMOTE_HOSTS; i++) {
		sample_host(&host[i], (unsigned int)i, RESOLVER_ADDRS);
		host[i].dane = DANE_TLSA;
		host[i].ntlsa = RESOLVER_TLSA;
		host[i].tlsa = tlsa;
	}
	proto_remote_put_open(&out, 1, &o);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_remote_get_open(&in, &g), 0);
	assert_in_range(g.nhost, 1, REMOTE_HOSTS - 1);
	assert_int_equal(g.host[0].ntlsa, RESOLVER_TLSA);
	proto_remote_open_free(&g);
}

static void
bad_opens_are_refused(void **state)
{
	static const struct { const char *from, *to; } t[] = {
		{ "1 open", "1 opem" },
		{ "lmtp 0", "lmtp 2" },
		{ "tls required", "tls perhaps" },
		{ "port 587", "port 0" },
		{ "port 587", "port 65536" },
		{ "path ", "path /run/x" },		/* beside hosts */
		{ "lmtp 0\n", "" },
		{ "user a+20b+2Bc", "user a+00" },
		{ "preference 10", "preference 65536" },
		{ "host mx1.example.net", "host mx1.example.net\nhost x" },
		{ "host mx1.example.net", "host +0D+0A" },
		{ "addr 2001:db8::1:1", "addr localhost" },
		{ "dane none", "dane surely" },
		{ "host mx2.example.net", "what mx2" },
	};
	struct resolver_host	 host[2];
	struct remote_open	 o, g;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		o = sample_open(host);
		proto_remote_put_open(&out, 1, &o);
		packet_change(&out, t[i].from, t[i].to);
		assert_int_equal(packet_cross(&out, &in), 1);
		if (proto_remote_get_open(&in, &g) == 0)
			fail_msg("accepted: %s", t[i].to);
		assert_int_equal(errno, EBADMSG);
		assert_null(g.host);
	}
	o = sample_open(host);
	o.nhost = 0;
	proto_remote_put_open(&out, 1, &o);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_remote_get_open(&in, &g), -1);
}

static void
sample_job(void)
{
	static struct remote_rcpt	 bob = { .number = 7,
	    .address = "\"b ob\"@example.net", .notify = NOTIFY_FAILURE |
	    NOTIFY_DELAY }, carol = { .number = 4000000000u,
	    .address = "j\xc3\xb6@example.net" };
	static char			 orcpt[] = "rfc822;b+ob@x.test";
	int				 fd;

	memset(&job, 0, sizeof(job));
	strcpy(job.id, ID);
	strcpy(job.sender, "a+b=c@example.org");
	strcpy(job.envid, "QQ 314+159");
	job.ret = RET_HDRS;
	job.eightbit = job.dots = true;
	job.offset = 3584;
	job.len = 77;
	if ((fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)) == -1)
		fail_msg("no file to send along");
	job.fd = fd;
	bob.orcpt = orcpt;
	job.rcpt[0] = bob;
	job.rcpt[1] = carol;
	job.nrcpt = 2;
}

static void
put_sample(void)
{
	size_t	 i;

	proto_remote_put_job(&out, 9, &job);
	for (i = 0; i < job.nrcpt; i++)
		assert_true(proto_remote_put_rcpt(&out, &job.rcpt[i]));
}

static void
a_job_comes_out_as_it_went_in(void **state)
{
	(void)state;
	sample_job();
	put_sample();
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(in.id, 9);
	assert_int_equal(proto_remote_get_job(&in, &got), 0);
	assert_string_equal(got.id, ID);
	assert_string_equal(got.sender, job.sender);
	assert_string_equal(got.envid, job.envid);
	assert_int_equal(got.ret, RET_HDRS);
	assert_true(got.eightbit && got.dots && !got.utf8 && !got.longline);
	assert_int_equal(got.offset, 3584);
	assert_int_equal(got.len, 77);
	assert_true(got.fd >= 0);
	assert_int_equal(got.nrcpt, 2);
	assert_int_equal(got.rcpt[0].number, 7);
	assert_string_equal(got.rcpt[0].address, job.rcpt[0].address);
	assert_int_equal(got.rcpt[0].notify, NOTIFY_FAILURE | NOTIFY_DELAY);
	assert_string_equal(got.rcpt[0].orcpt, job.rcpt[0].orcpt);
	assert_int_equal(got.rcpt[1].number, 4000000000u);
	assert_string_equal(got.rcpt[1].address, job.rcpt[1].address);
	assert_null(got.rcpt[1].orcpt);
	proto_remote_job_free(&got);
	assert_int_equal(got.fd, -1);
	close(job.fd);
}

static void
a_full_packet_says_so_and_goes(void **state)
{
	struct remote_rcpt	 r = { .notify = NOTIFY_NEVER };
	size_t			 n = 0;

	(void)state;
	sample_job();
	memset(r.address, 'x', ADDRESS_MAX);
	proto_remote_put_job(&out, 1, &job);
	for (r.number = 0; r.number < REMOTE_RCPTS; r.number++)
		if (!proto_remote_put_rcpt(&out, &r))
			break;
	n = r.number;
	assert_in_range(n, 20, REMOTE_RCPTS - 1);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_remote_get_job(&in, &got), 0);
	assert_int_equal(got.nrcpt, n);
	assert_int_equal(got.rcpt[n - 1].number, n - 1);
	proto_remote_job_free(&got);

	/* The longest there are fit at least once. */
	memset(job.sender, '\xff', sizeof(job.sender) - 1);
	memset(job.envid, '\xff', sizeof(job.envid) - 1);
	memset(r.address, '\xff', ADDRESS_MAX);
	proto_remote_put_job(&out, 1, &job);
	assert_true(proto_remote_put_rcpt(&out, &r));
	close(job.fd);
}

static void
bad_jobs_are_refused(void **state)
{
	static const struct { const char *from, *to; } t[] = {
		{ "1 job", "1 jab" },
		{ "id " ID, "id ../../etc/passwd0000" },
		{ "id " ID, "id 0123" },
		{ "sender a", "sender +0D+0Aa" },
		{ "envid Q", "envid +0A" },
		{ "ret 2", "ret 3" },
		{ "eightbit 1", "eightbit 2" },
		{ "utf8 0\n", "" },
		{ "offset 3584", "offset 9223372036854775808" },
		{ "len 77", "len 9223372036854775807" },
		{ "rcpt 7", "rcpt 4294967296" },
		{ "rcpt 7", "rcpt -7" },
		{ "address ", "address \naddress " },
		{ "address ", "address +00" },
		{ "address ", "address +0A" },
		{ "notify 12", "notify 13" },		/* NEVER not alone */
		{ "notify 12", "notify 16" },
		{ "orcpt r", "orcpt +0D" },
		{ "orcpt r", "orcpt x\norcpt r" },
	};
	size_t	 i;

	(void)state;
	sample_job();
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		put_sample();
		packet_change(&out, t[i].from, t[i].to);
		assert_int_equal(packet_cross(&out, &in), 1);
		if (proto_remote_get_job(&in, &got) == 0)
			fail_msg("accepted: %s", t[i].to);
		assert_int_equal(errno, EBADMSG);
		assert_int_equal(got.fd, -1);
		assert_int_equal(got.nrcpt, 0);
	}
	/* No recipient; more than the array holds. */
	proto_remote_put_job(&out, 9, &job);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_remote_get_job(&in, &got), -1);
	proto_remote_put_job(&out, 9, &job);
	for (i = 0; i <= REMOTE_RCPTS; i++)
		assert_true(proto_remote_put_rcpt(&out, &job.rcpt[1]));
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_remote_get_job(&in, &got), -1);
	close(job.fd);
}

static void
a_job_needs_exactly_one_file(void **state)
{
	int	 p[2];

	(void)state;
	sample_job();
	put_sample();
	out.nfds = 0;
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_remote_get_job(&in, &got), -1);
	put_sample();
	ipc_attach(&out, job.fd);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_remote_get_job(&in, &got), -1);
	close(job.fd);
	assert_int_equal(pipe(p), 0);
	job.fd = p[0];
	put_sample();
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_remote_get_job(&in, &got), -1);
	assert_int_equal(got.fd, -1);
	close(p[0]);
	close(p[1]);
}

static void
put_outcome(unsigned int number, enum mail_verdict verdict, const char *code,
    const char *text, bool said)
{
	struct remote_outcome	*o = &res.outcome[res.noutcome++];

	memset(o, 0, sizeof(*o));
	o->number = number;
	o->verdict = verdict;
	o->said = said;
	snprintf(o->code, sizeof(o->code), "%s", code);
	snprintf(o->text, sizeof(o->text), "%s", text);
}

static void
sample_result(void)
{
	memset(&res, 0, sizeof(res));
	strcpy(res.id, ID);
	strcpy(res.host, "mx.example.net");
	strcpy(res.addr, "2001:db8::1");
	strcpy(res.tls, "TLSv1.3 dane");
	res.kept = res.dsn = true;
	put_outcome(1, MAIL_OK, "2.0.0", "250 queued", true);
	put_outcome(2, MAIL_OK, "2.0.0", "250 queued", true);
	put_outcome(3, MAIL_PERM, "5.1.1", "550 5.1.1 no such +=\xff user",
	    true);
	put_outcome(4, MAIL_TEMP, "4.4.2", "", false);
	put_outcome(9, MAIL_OK, "2.0.0", "250 queued", true);
}

static void
a_result_comes_out_as_it_went_in(void **state)
{
	const char	*p;
	size_t		 i, verdicts = 0;

	(void)state;
	sample_result();
	proto_remote_put_result(&out, 5, &res);
	for (p = out.data; (p = strstr(p, "\nverdict ")) != NULL; p++)
		verdicts++;
	assert_int_equal(verdicts, 4);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_remote_get_result(&in, &res_got), 0);
	assert_string_equal(res_got.id, ID);
	assert_true(res_got.kept && res_got.dsn);
	assert_false(res_got.destination_failed);
	assert_string_equal(res_got.host, res.host);
	assert_string_equal(res_got.addr, res.addr);
	assert_string_equal(res_got.tls, res.tls);
	assert_int_equal(res_got.noutcome, 5);
	for (i = 0; i < 5; i++) {
		assert_int_equal(res_got.outcome[i].number,
		    res.outcome[i].number);
		assert_int_equal(res_got.outcome[i].verdict,
		    res.outcome[i].verdict);
		assert_int_equal(res_got.outcome[i].said, res.outcome[i].said);
		assert_string_equal(res_got.outcome[i].code,
		    res.outcome[i].code);
		assert_string_equal(res_got.outcome[i].text,
		    res.outcome[i].text);
	}
}

static void
a_hundred_long_texts_are_cut_to_fit(void **state)
{
	char	 text[512];
	size_t	 i;

	(void)state;
	sample_result();
	res.noutcome = 0;
	for (i = 0; i < sizeof(text) - 1; i++)
		text[i] = i % 2 == 0 ? '\xc3' : '\xb6';
	text[510] = '\0';
	for (i = 0; i < REMOTE_RCPTS; i++) {
		text[0] = text[1] = (char)('0' + i % 10);
		put_outcome((unsigned int)i, MAIL_PERM, "5.123.456", text,
		    true);
	}
	proto_remote_put_result(&out, 5, &res);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_remote_get_result(&in, &res_got), 0);
	assert_int_equal(res_got.noutcome, REMOTE_RCPTS);
	i = strlen(res_got.outcome[99].text);
	assert_in_range(i, 31, 256);
	assert_int_equal(i % 2, 0);	/* no half character */
	assert_memory_equal(res_got.outcome[99].text, text, i);
}

static void
bad_results_are_refused(void **state)
{
	static const struct { const char *from, *to; } t[] = {
		{ "1 result", "1 resolt" },
		{ "id " ID, "id " },
		{ "kept 1", "kept yes" },
		{ "dsn 1\n", "" },
		{ "verdict ok", "verdict fine" },
		{ "code 2.0.0", "code 5.0.0" },
		{ "code 2.0.0", "code 2.0" },
		{ "code 2.0.0", "code 2.0.0.0" },
		{ "said 1", "said 2" },
		{ "text 250", "text +00" },
		{ "rcpt 3\n", "" },			/* nobody's outcome */
		{ "rcpt 1", "rcpt 4294967296" },
		{ "rcpt 9\n", "rcpt 9\nmore 1\n" },
		{ "verdict ok", "rcpt 1\nverdict ok" },
	};
	size_t	 i;

	(void)state;
	sample_result();
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		proto_remote_put_result(&out, 5, &res);
		packet_change(&out, t[i].from, t[i].to);
		assert_int_equal(packet_cross(&out, &in), 1);
		if (proto_remote_get_result(&in, &res_got) == 0)
			fail_msg("accepted: %s", t[i].to);
	}
	proto_remote_put_result(&out, 5, &res);
	for (i = 0; i < REMOTE_RCPTS; i++)
		ipc_put_u64(&out, "rcpt", i);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_remote_get_result(&in, &res_got), -1);
	/* The largest values there are fit. */
	memset(res.host, '\xff', sizeof(res.host) - 1);
	proto_remote_put_result(&out, 5, &res);
	assert_int_equal(packet_cross(&out, &in), 1);
	assert_int_equal(proto_remote_get_result(&in, &res_got), 0);
}

static void
tls_policies_have_names(void **state)
{
	enum remote_tls	 tls;

	(void)state;
	for (tls = REMOTE_TLS_OFF; tls <= REMOTE_TLS_VERIFIED; tls++) {
		enum remote_tls	 back;

		assert_int_equal(remote_tls_named(remote_tls_name(tls), &back),
		    0);
		assert_int_equal(back, tls);
	}
	assert_int_equal(remote_tls_named("", &tls), -1);
	assert_int_equal(remote_tls_named("Off", &tls), -1);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(an_open_comes_out_as_it_went_in),
		cmocka_unit_test(hosts_that_do_not_fit_are_left_out),
		cmocka_unit_test(bad_opens_are_refused),
		cmocka_unit_test(a_job_comes_out_as_it_went_in),
		cmocka_unit_test(a_full_packet_says_so_and_goes),
		cmocka_unit_test(bad_jobs_are_refused),
		cmocka_unit_test(a_job_needs_exactly_one_file),
		cmocka_unit_test(a_result_comes_out_as_it_went_in),
		cmocka_unit_test(a_hundred_long_texts_are_cut_to_fit),
		cmocka_unit_test(bad_results_are_refused),
		cmocka_unit_test(tls_policies_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
