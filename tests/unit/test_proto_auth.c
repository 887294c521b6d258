/* What authd and spawner say: round trips, refusals, the client. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/io.h"
#include "lib/net/proto_auth.h"
#include "lib/net/proto_fields.h"
#include "lib/net/proto_spawn.h"
#include "tests/unit/packet.h"

static struct ipc_msg	 a, b;

/* A packet as a hostile peer would write it, with a socket if asked. */
static void
raw(const char *body, bool with_fd)
{
	struct iovec	 iov = { .iov_base = (void *)(uintptr_t)body,
	    .iov_len = strlen(body) };
	union {
		char		 space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr	 align;
	} ctl;
	struct msghdr	 msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr	*c;
	int		 fds[2];

	assert_int_equal(ipc_pair(fds), 0);
	if (with_fd) {
		memset(&ctl, 0, sizeof(ctl));
		msg.msg_control = ctl.space;
		msg.msg_controllen = sizeof(ctl.space);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fds[0], sizeof(int));
	}
	assert_true(sendmsg(fds[0], &msg, 0) > 0);
	assert_int_equal(ipc_recv(fds[1], &b, 1000), 1);
	close(fds[0]);
	close(fds[1]);
}

static void
questions_come_out_as_they_went_in(void **state)
{
	static struct auth_check	 c = { .user = "bob@example.org",
	    .secret = "p\xc3\xa4ss + wo=rd\x01", .service = "pop3",
	    .ip = "192.0.2.1" }, d;
	char				 s[AUTH_USER_MAX + 1];
	uint64_t			 o, n;

	(void)state;
	proto_auth_put_lookup(&a, 7, "\"a b\"@example.org");
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(b.id, 7);
	assert_int_equal(proto_auth_get_lookup(&b, s, sizeof(s)), 0);
	assert_string_equal(s, "\"a b\"@example.org");
	proto_auth_put_expand(&a, 8, "list@example.org");
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_auth_get_expand(&b, s, sizeof(s)), 0);
	assert_string_equal(s, "list@example.org");
	proto_auth_put_deliver(&a, 8, "bob@example.org");
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_auth_get_deliver(&b, s, sizeof(s)), 0);
	assert_string_equal(s, "bob@example.org");
	proto_auth_put_usage(&a, 8, "bob@example.org", UINT64_MAX, 3);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_auth_get_usage(&b, s, sizeof(s), &o, &n), 0);
	assert_true(o == UINT64_MAX && n == 3);
	proto_auth_put_check(&a, 9, &c);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_auth_get_check(&b, &d), 0);
	assert_memory_equal(&c, &d, sizeof(c));
	assert_null(memmem(b.data, sizeof(b.data), "wo", 2));
	memset(c.secret, '+', AUTH_PASSWORD_MAX);
	proto_auth_put_check(&a, 9, &c);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_auth_get_check(&b, &d), 0);
	assert_int_equal(strlen(d.secret), AUTH_PASSWORD_MAX);
	c.secret[0] = '\0';
	proto_auth_put_check(&a, 9, &c);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_auth_get_check(&b, &d), 0);
	assert_string_equal(d.secret, "");
}

static void
answers_come_out_as_they_went_in(void **state)
{
	static const enum auth_verdict	 vs[] = { AUTH_OK, AUTH_BAD,
	    AUTH_LATER, AUTH_DISABLED };
	struct auth_lookup		 l = { .kind = AUTH_USER, .full = true,
	    .user = "bob@example.org", .uid = 1000, .gid = UINT32_MAX,
	    .home = "/mail/a b/c", .quota_octets = 1 }, k;
	struct auth_answer		 v, w = { .user = "bob",
	    .signature = "rmF9pqV8S7suAoZWja4dJRkFsKQ=", .pass = "0a" };
	char				 s[512];
	size_t				 i;
	bool				 ok;

	(void)state;
	for (i = AUTH_USER; i <= AUTH_TEMP; i++) {
		l.kind = (enum auth_kind)i;
		proto_auth_put_found(&a, 1, &l);
		assert_int_equal(packet_cross(&a, &b), 1);
		assert_int_equal(proto_auth_get_found(&b, &k), 0);
		assert_int_equal(k.kind, i);
		assert_true(k.full);
		assert_string_equal(k.user, l.user);
		assert_string_equal(k.home, l.home);
		assert_true(k.uid == 1000 && k.gid == UINT32_MAX);
		assert_true(k.quota_octets == 1 && k.quota_count == 0);
	}
	for (i = 0; i < 4; i++) {
		w.verdict = vs[i];
		proto_auth_put_verdict(&a, 1, &w);
		assert_int_equal(packet_cross(&a, &b), 1);
		assert_int_equal(proto_auth_get_verdict(&b, &v), 0);
		assert_memory_equal(&v, &w, sizeof(v));
		assert_null(memmem(b.data, sizeof(b.data), "rmF9", 4));
	}
	proto_put_done(&a, 1, NULL);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_get_done(&b, &ok, s, sizeof(s)), 0);
	assert_true(ok);
	proto_put_done(&a, 1, "users:3: no\nusers:4: no");
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_get_done(&b, &ok, s, sizeof(s)), 0);
	assert_false(ok);
	assert_string_equal(s, "users:3: no\nusers:4: no");
}

static void
each_method_carries_its_fields(void **state)
{
	static struct auth_check	 c, d;
	size_t				 i;

	(void)state;
	for (i = AUTH_PASSWORD; i <= AUTH_PASS; i++) {
		memset(&c, 0, sizeof(c));
		c.method = (enum auth_method)i;
		strcpy(c.user, "b\xc3\xb6" "b");
		memset(c.secret, '=', i == AUTH_PASSWORD ? AUTH_PASSWORD_MAX :
		    AUTH_SECRET_MAX);
		strcpy(c.service, "smtp");
		if (c.method == AUTH_SCRAM) {
			memset(c.exchange, 'a', AUTH_PASS_LEN);
			memset(c.first, '+', AUTH_MESSAGE_MAX);
			memset(c.last, ',', AUTH_MESSAGE_MAX);
		}
		proto_auth_put_check(&a, 1, &c);
		assert_int_equal(packet_cross(&a, &b), 1);
		assert_int_equal(proto_auth_get_check(&b, &d), 0);
		assert_memory_equal(&c, &d, sizeof(c));
	}
	c.method = AUTH_PASSWORD;
	proto_auth_put_check(&a, 1, &c);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_auth_get_check(&b, &d), -1);
}

static void
scram_and_submit_cross_and_return(void **state)
{
	struct auth_scram	 s = { "bob,=", "SHA-256", "r+O=prN", "imap",
	    "2001:db8::1" }, t;
	struct auth_scram_first	 f = { true, "0af", "r=ab=,s=QSX,i=4096" },
	    g;
	struct auth_submit	 u = { "bob@example.org", "", 12 }, v;
	enum auth_may		 may;
	size_t			 i;

	(void)state;
	proto_auth_put_scram(&a, 1, &s);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_auth_get_scram(&b, &t), 0);
	assert_string_equal(t.user, s.user);
	assert_string_equal(t.hash, s.hash);
	assert_string_equal(t.nonce, s.nonce);
	assert_string_equal(t.ip, s.ip);
	proto_auth_put_first(&a, 1, &f);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_auth_get_first(&b, &g), 0);
	assert_true(g.later);
	assert_string_equal(g.exchange, f.exchange);
	assert_string_equal(g.message, f.message);
	proto_auth_put_submit(&a, 1, &u);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_auth_get_submit(&b, &v), 0);
	assert_string_equal(v.user, u.user);
	assert_string_equal(v.sender, "");
	assert_true(v.count == 12);
	for (i = AUTH_MAY; i <= AUTH_MAY_LATER; i++) {
		proto_auth_put_may(&a, 1, (enum auth_may)i);
		assert_int_equal(packet_cross(&a, &b), 1);
		assert_int_equal(proto_auth_get_may(&b, &may), 0);
		assert_int_equal(may, i);
	}
}

/* The longest of all the fields at once fit in one packet. */
static void
the_longest_session_fits(void **state)
{
	static struct auth_session	 s, t;
	int				 p[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, p), 0);
	s.check.method = AUTH_TOKEN;
	memset(s.check.user, '+', AUTH_USER_MAX);
	memset(s.check.secret, '=', AUTH_SECRET_MAX);
	memset(s.check.service, 'x', 15);
	memset(s.check.ip, 'x', 63);
	memset(s.tag, '+', AUTH_TAG_MAX);
	s.ahead_len = AUTH_AHEAD_MAX;
	s.fd = p[0];
	proto_auth_put_session(&a, UINT64_MAX, &s);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_auth_get_session(&b, &t), 0);
	assert_memory_equal(&s.check, &t.check, sizeof(s.check));
	close(t.fd);
	close(p[0]);
	close(p[1]);
}

static void
sessions_carry_octets_and_the_connection(void **state)
{
	static struct auth_session	 s, t;
	static struct auth_handed	 h, g;
	int				 p[2];
	size_t				 i;
	char				 c;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, p), 0);
	strcpy(s.check.user, "bob");
	strcpy(s.check.service, "pop3");
	for (i = 0; i < AUTH_AHEAD_MAX; i++)
		s.ahead[i] = (char)i;
	s.ahead_len = AUTH_AHEAD_MAX;
	s.fd = p[0];
	memset(s.tag, '+', AUTH_TAG_MAX);
	memset(s.check.secret, '=', AUTH_PASSWORD_MAX);
	proto_auth_put_session(&a, 1, &s);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_auth_get_session(&b, &t), 0);
	assert_memory_equal(&s.check, &t.check, sizeof(s.check));
	assert_string_equal(s.tag, t.tag);
	assert_int_equal(t.ahead_len, AUTH_AHEAD_MAX);
	assert_memory_equal(s.ahead, t.ahead, AUTH_AHEAD_MAX);
	assert_int_equal(write(t.fd, "x", 1), 1);
	assert_int_equal(read(p[1], &c, 1), 1);

	strcpy(h.user, "bob@example.org");
	strcpy(h.home, "/h");
	strcpy(h.tag, "a1]");
	h.quota_count = 4;
	h.fd = t.fd;
	proto_auth_put_handed(&a, 1, &h);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_auth_get_handed(&b, &g), 0);
	assert_string_equal(g.user, h.user);
	assert_string_equal(g.tag, "a1]");
	assert_int_equal(g.ahead_len, 0);
	close(g.fd);

	proto_auth_put_worker(&a, 1, t.fd);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_auth_get_worker(&b, &g.fd), 0);
	close(g.fd);
	proto_auth_put_worker(&a, 1, -1);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_auth_get_worker(&b, &g.fd), 0);
	assert_int_equal(g.fd, -1);
	close(t.fd);
	close(p[0]);
	close(p[1]);
}

static const struct {
	const char	*body;
	bool		 fd;
} bad[] = {
	{ "merpati 1 lookup 1\n", false },
	{ "merpati 1 lookup 1\naddress a+0\n", false },
	{ "merpati 1 lookup 1\naddress a+00b\n", false },
	{ "merpati 1 lookup 1\naddress a\n", true },
	{ "merpati 1 lookup 1\naddress a\nmore b\n", false },
	{ "merpati 1 expand 1\naddress a\n", false },
	{ "merpati 1 check 1\nmethod password\nuser a\nsecret +00\nservice x\nip \n", false },
	{ "merpati 1 check 1\nmethod password\nuser a\nsecret b\nservice muchtoolongservice\n"
	    "ip \n", false },
	{ "merpati 1 session 1\nmethod pass\nuser a\nsecret b\nservice x\nip \ntag \n"
	    "ahead \n", false },
	{ "merpati 1 session 1\nmethod pass\nuser a\nsecret b\nservice x\nip \n"
	    "ahead \n", true },
	{ "merpati 1 session 1\nmethod pass\nuser a\nsecret b\nservice x\nip \n"
	    "tag a+20b\nahead \n", true },
	{ "merpati 1 session 1\nmethod pass\nuser a\nsecret b\nservice x\nip \n"
	    "tag a+0D+0Ab\nahead \n", true },
	{ "merpati 1 session 1\nmethod pass\nuser a\nsecret b\nservice x\nip \n"
	    "tag +C3+BC\nahead \n", true },
	{ "merpati 1 session 1\nmethod pass\nuser a\nsecret b\nservice x\nip \n"
	    "tag 1234567890123456789012345678901234567890123456789012345678901"
	    "2345\nahead \n", true },
	{ "merpati 1 handed 1\nuser a\nhome /h\nip \ntag +00\n"
	    "quota-octets 0\nquota-count 0\nahead \n", true },
	{ "merpati 1 found 1\nkind king\nfull 0\nuser \nuid 0\ngid 0\nhome \n"
	    "quota-octets 0\nquota-count 0\n", false },
	{ "merpati 1 found 1\nkind user\nfull 2\nuser \nuid 0\ngid 0\nhome \n"
	    "quota-octets 0\nquota-count 0\n", false },
	{ "merpati 1 found 1\nkind user\nfull 0\nuser \nuid 4294967296\n"
	    "gid 0\nhome \nquota-octets 0\nquota-count 0\n", false },
	{ "merpati 1 check 1\nmethod trust\nuser a\nsecret \nservice x\n"
	    "ip \n", false },
	{ "merpati 1 check 1\nuser a\nsecret b\nservice x\nip \n", false },
	{ "merpati 1 check 1\nmethod scram\nuser a\nsecret \nservice x\n"
	    "ip \n", false },
	{ "merpati 1 check 1\nmethod pass\nuser a\nsecret \nservice x\n"
	    "ip \nexchange 0\nfirst a\nlast b\n", false },
	{ "merpati 1 session 1\nmethod scram\nuser a\nsecret b\nservice x\n"
	    "ip \nexchange 0\nfirst a\nlast b\ntag \nahead \n", true },
	{ "merpati 1 scram 1\nuser a\nhash MD5\nnonce a\nservice x\nip \n",
	    false },
	{ "merpati 1 scram 1\nuser a\nhash SHA-1\nnonce +00\nservice x\n"
	    "ip \n", false },
	{ "merpati 1 first 1\nlater 2\nexchange a\nmessage r=\n", false },
	{ "merpati 1 first 1\nlater 0\nexchange "
	    "000000000000000000000000000000000\nmessage r=\n", false },
	{ "merpati 1 submit 1\nuser a\nsender b\ncount -1\n", false },
	{ "merpati 1 submit 1\nuser a\nsender b\ncount 4294967296\n",
	    false },
	{ "merpati 1 may 1\nmay perhaps\n", false },
	{ "merpati 1 may 1\nmay yes\n", true },
	{ "merpati 1 verdict 1\nverdict yes\nuser a\nsignature \npass \n",
	    false },
	{ "merpati 1 verdict 1\nverdict ok\nuser a\n", false },
	{ "merpati 1 worker 1\nstatus ok\n", false },
	{ "merpati 1 worker 1\nstatus later\n", true },
	{ "merpati 1 expanded 1\nstatus ok\n", true },	/* not a file */
	{ "merpati 1 expanded 1\nstatus none\n", true },
	{ "merpati 1 used 1\nstatus ok\n", true },	/* nor this */
	{ "merpati 1 used 1\nstatus temp\n", true },
	{ "merpati 1 used 1\nstatus ok\n", false },
	{ "merpati 1 server 1\nkind sh\nuid 1\ngid 1\n", false },
	{ "merpati 1 server 1\nkind pop3\nuid 4294967295\ngid 1\n", false },
	{ "merpati 1 home 1\npath /a+00b\nuid 1\ngid 1\n", false },
};

static void
malformed_packets_are_refused_by_every_decoder(void **state)
{
	static union {
		struct auth_lookup	 l;
		struct auth_check	 c;
		struct auth_session	 s;
		struct spawn_server	 server;
		struct spawn_home	 home;
		struct auth_scram	 scram;
		struct auth_scram_first	 first;
		struct auth_submit	 submit;
		char			 text[2000];
	} u;
	struct auth_answer	 v;
	enum auth_may		 may;
	uint64_t		 n;
	size_t			 i;
	int			 fd;

#define REFUSED(call) do {						\
	raw(bad[i].body, bad[i].fd);					\
	assert_int_equal(call, -1);					\
	assert_int_equal(errno, EBADMSG);				\
} while (0)
	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		REFUSED(proto_auth_get_lookup(&b, u.text, 387));
		REFUSED(proto_auth_get_check(&b, &u.c));
		REFUSED(proto_auth_get_session(&b, &u.s));
		assert_int_equal(u.s.fd, -1);
		REFUSED(proto_auth_get_found(&b, &u.l));
		REFUSED(proto_auth_get_deliver(&b, u.text, 387));
		REFUSED(proto_auth_get_usage(&b, u.text, 387, &n, &n));
		REFUSED(proto_auth_get_verdict(&b, &v));
		assert_int_equal(v.verdict, AUTH_LATER);
		REFUSED(proto_auth_get_scram(&b, &u.scram));
		REFUSED(proto_auth_get_first(&b, &u.first));
		REFUSED(proto_auth_get_submit(&b, &u.submit));
		REFUSED(proto_auth_get_may(&b, &may));
		assert_int_equal(may, AUTH_MAY_LATER);
		REFUSED(proto_auth_get_worker(&b, &fd));
		assert_int_equal(fd, -1);
		REFUSED(proto_auth_get_expanded(&b, u.text, 16, &fd));
		assert_int_equal(fd, -1);
		REFUSED(proto_auth_get_used(&b, &fd));
		assert_int_equal(fd, -1);
		REFUSED(proto_spawn_get_server(&b, &u.server));
		REFUSED(proto_spawn_get_home(&b, &u.home));
	}
}

static void
the_spawner_is_asked_and_answers(void **state)
{
	struct spawn_server	 s = { SPAWN_IMAP, 1000, 1001 }, t;
	struct spawn_home	 h = { "/var/mail/x y/z", 12, 13 }, g;
	struct spawn_answer	 n = { SPAWN_REFUSED, "uid too small", -1 }, m;
	int			 p[2];

	(void)state;
	proto_spawn_put_server(&a, 4, &s);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_spawn_get_server(&b, &t), 0);
	assert_memory_equal(&s, &t, sizeof(s));
	proto_spawn_put_home(&a, 4, &h);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_spawn_get_home(&b, &g), 0);
	assert_string_equal(h.path, g.path);
	assert_true(g.uid == 12 && g.gid == 13);
	proto_spawn_put_answer(&a, "server", 4, &n);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_spawn_get_answer(&b, "server", &m), 0);
	assert_int_equal(m.status, SPAWN_REFUSED);
	assert_string_equal(m.text, n.text);
	proto_spawn_put_answer(&a, "home", 4, &n);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_spawn_get_answer(&b, "server", &m), -1);
	assert_int_equal(ipc_pair(p), 0);
	n.status = SPAWN_OK;
	n.fd = p[0];
	proto_spawn_put_answer(&a, "server", 4, &n);
	assert_int_equal(packet_cross(&a, &b), 1);
	assert_int_equal(proto_spawn_get_answer(&b, "server", &m), 0);
	assert_true(m.fd != -1);
	close(m.fd);
	assert_int_equal(packet_cross(&a, &b), 1);
	memcpy(b.verb, "home", 5);
	assert_int_equal(proto_spawn_get_answer(&b, "home", &m), -1);
	close(p[0]);
	close(p[1]);
}

static int
file_of(const char *text)
{
	int	 fd;

	assert_true((fd = memfd_create("t", MFD_CLOEXEC)) != -1);
	assert_int_equal(io_write_all(fd, text, strlen(text)), 0);
	return fd;
}

static void
expand_results_are_read(void **state)
{
	struct auth_result	*r;
	size_t			 n;
	int			 fd;

	(void)state;
	fd = file_of("a@x o@x l@x\n+22b+20c+22@x - -\n");
	assert_int_equal(proto_auth_read_results(fd, &r, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(r[0].address, "a@x");
	assert_string_equal(r[0].owner, "o@x");
	assert_string_equal(r[0].orcpt, "l@x");
	assert_string_equal(r[1].address, "\"b c\"@x");
	assert_null(r[1].owner);
	assert_null(r[1].orcpt);
	proto_auth_results_free(r, n);
	close(fd);
	fd = file_of("");
	assert_int_equal(proto_auth_read_results(fd, &r, &n), 0);
	assert_int_equal(n, 0);
	proto_auth_results_free(r, n);
	close(fd);
}

static void
malformed_results_are_refused(void **state)
{
	static const char	*const t[] = { "a\n", "a b\n", "a b c",
	    "- b c\n", "a b c\na b", " b c\n", "a+0 b c\n", "a+00 b c\n", "\n" };
	struct auth_result	*r;
	size_t			 i, n;
	int			 fd;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		fd = file_of(t[i]);
		assert_int_equal(proto_auth_read_results(fd, &r, &n), -1);
		assert_null(r);
		close(fd);
	}
}

/* An authd that answers one question a connection, then hangs up. */
static void
answer_once_each(int sock, int times)
{
	struct auth_lookup	 l = { .kind = AUTH_REMOTE };
	char			 s[AUTH_USER_MAX + 1];
	int			 c;

	for (; times > 0; times--) {
		c = accept(sock, NULL, NULL);
		if (c == -1 || ipc_recv(c, &b, 5000) != 1 ||
		    proto_auth_get_lookup(&b, s, sizeof(s)) == -1)
			_exit(1);
		proto_auth_put_found(&a, b.id, &l);
		if (ipc_send(c, &a, 0) == -1)
			_exit(1);
		close(c);
	}
	_exit(0);
}

static void
the_client_comes_back_when_authd_went_away(void **state)
{
	struct auth_client	 c;
	struct auth_lookup	 l;
	char			 dir[] = "/tmp/merpati-test.XXXXXX", path[64];
	pid_t			 pid;
	int			 sock, st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	auth_client_init(&c, path);
	assert_int_equal(auth_client_lookup(&c, "a@b", &l), -1);
	assert_int_equal(errno, ENOENT);
	assert_true((sock = ipc_listen(path, 0600)) != -1);
	fcntl(sock, F_SETFL, 0);
	if ((pid = fork()) == 0)
		answer_once_each(sock, 2);
	close(sock);
	assert_int_equal(auth_client_lookup(&c, "a@b", &l), 0);
	assert_int_equal(l.kind, AUTH_REMOTE);
	assert_int_equal(auth_client_lookup(&c, "a@b", &l), 0);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(st, 0);
	assert_int_equal(auth_client_lookup(&c, "a@b", &l), -1);
	assert_int_equal(c.link.sock, -1);
	auth_client_close(&c);
	unlink(path);
	rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(questions_come_out_as_they_went_in),
		cmocka_unit_test(answers_come_out_as_they_went_in),
		cmocka_unit_test(each_method_carries_its_fields),
		cmocka_unit_test(scram_and_submit_cross_and_return),
		cmocka_unit_test(the_longest_session_fits),
		cmocka_unit_test(sessions_carry_octets_and_the_connection),
		cmocka_unit_test(
		    malformed_packets_are_refused_by_every_decoder),
		cmocka_unit_test(the_spawner_is_asked_and_answers),
		cmocka_unit_test(expand_results_are_read),
		cmocka_unit_test(malformed_results_are_refused),
		cmocka_unit_test(the_client_comes_back_when_authd_went_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
