/* Sessions that are resumed with tickets, and those that are not. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "lib/base/io.h"
#include "tests/unit/tls_box.h"

static void
sessions_are_resumed(void **state)
{
	struct tls_server	*s = build_all(&plain);
	struct client		 c = { .sni = "a.test" };
	SSL_SESSION		*first;

	(void)state;
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	assert_true(c.ticket);
	assert_int_equal(signs, 1);
	assert_int_equal(tickets, 1);
	first = c.session;
	SSL_SESSION_up_ref(first);
	X509_free(c.peer);
	c.ticket = false;
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	assert_true(info.resumed && c.reused);
	assert_string_equal(info.sni, "a.test");
	assert_string_equal(c.said, "250 ok\r\n");
	assert_int_equal(signs, 1);
	/* The key that read the old one seals the new one. */
	assert_int_equal(tickets, 2);
	assert_true(c.ticket && c.session != first);
	/* That one is good as well. */
	X509_free(c.peer);
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	assert_true(info.resumed);
	SSL_SESSION_free(first);
	forget(&c);
	/* The key is nowhere in this process. */
	assert_false(s->ticket.known);
	tls_server_free(s);
}

static void
a_pool_keeps_the_key_while_it_is_fresh(void **state)
{
	struct tls_server_options	 opt = plain;
	struct tls_server		*s;
	struct client			 c = { 0 };
	int				 i;

	(void)state;
	opt.keep_ticket_key = true;
	s = build_all(&opt);
	for (i = 0; i < 3; i++) {
		X509_free(c.peer);
		assert_int_equal(meet(s, &c), TLS_SERVER_OK);
		assert_int_equal(info.resumed, i > 0);
	}
	assert_int_equal(tickets, 1);
	assert_true(s->ticket.known);
	s->ticket_fresh = io_monotonic_ms() - 1;
	tls_server_forget_ticket(s);
	assert_false(s->ticket.known);
	X509_free(c.peer);
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	assert_int_equal(tickets, 2);
	forget(&c);
	tls_server_free(s);
}

/* What makes the second handshake a full one. */
enum spoiler { OTHER_NAME, OTHER_CERTIFICATE, OTHER_ROLE, FORGOTTEN_KEY,
    NEW_KEY, WRONG_SECRET, DEAD_TICKETS, STALE, SPOILERS };

static struct tls_server *
spoil(enum spoiler how, struct client *c)
{
	struct tls_server_options	 opt = plain;
	const struct cert		*b = &certs[B_EC];

	switch (how) {
	case OTHER_NAME:
		c->sni = "b.test";
		break;
	case OTHER_CERTIFICATE:
		return build(&opt, &b, 1);
	case OTHER_ROLE:
		opt.context = "tset";
		break;
	case FORGOTTEN_KEY:
		ticket_forgotten = true;
		break;
	case NEW_KEY:
		ticket_key.name[3] ^= 1;
		break;
	case WRONG_SECRET:
		ticket_key.hmac[9] ^= 1;
		break;
	case DEAD_TICKETS:
		ticket_fails = true;
		break;
	case STALE:
		ticket_key.left = ticket_key.fresh = 0;
		break;
	case SPOILERS:
		break;
	}
	return build_all(&opt);
}

static void
what_cannot_be_resumed_begins_anew(void **state)
{
	struct tls_server	*s, *next;
	struct client		 c;
	enum spoiler		 how;

	for (how = 0; how < SPOILERS; how++) {
		print_message("spoiler %d\n", (int)how);
		calm(state);
		c = (struct client){ .sni = "a.test" };
		s = build_all(&plain);
		assert_int_equal(meet(s, &c), TLS_SERVER_OK);
		assert_true(c.ticket);
		X509_free(c.peer);
		next = spoil(how, &c);
		c.ticket = false;
		assert_int_equal(meet(next, &c), TLS_SERVER_OK);
		assert_false(info.resumed || c.reused);
		assert_string_equal(c.said, "250 ok\r\n");
		assert_int_equal(signs, 2);
		assert_int_equal(c.ticket, how != DEAD_TICKETS &&
		    how != STALE);
		forget(&c);
		tls_server_free(s);
		tls_server_free(next);
	}
}

static void
tls12_has_no_tickets(void **state)
{
	static const struct tls_server_options	 none = { .context = "test" };
	struct tls_server			*s = build_all(&plain);
	struct client				 c = { .max = TLS1_2_VERSION };

	(void)state;
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	assert_true(c.session == NULL ||
	    SSL_SESSION_has_ticket(c.session) == 0);
	assert_int_equal(tickets, 0);
	X509_free(c.peer);
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	assert_false(info.resumed);
	forget(&c);
	tls_server_free(s);
	/* Nor has TLS 1.3 when they are switched off. */
	s = build_all(&none);
	c.max = 0;
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	assert_false(c.ticket);
	assert_int_equal(tickets, 0);
	forget(&c);
	tls_server_free(s);
}

static unsigned int	 aheads;

static int
fake_sign_ahead(void *arg, const struct key_sign *ask,
    struct key_signature *got)
{
	aheads++;
	return fake_sign(arg, ask, got);
}

static void
a_ticket_s_key_is_asked_for_ahead(void **state)
{
	struct tls_server	*s = build_all(&plain);
	struct client		 c = { 0 };

	(void)state;
	s->keys.sign_ahead = fake_sign_ahead;
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	assert_int_equal(aheads, 1);
	/* Not where there will be no ticket, or none is missing. */
	X509_free(c.peer);
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	assert_true(info.resumed);
	forget(&c);
	c.max = TLS1_2_VERSION;
	assert_int_equal(meet(s, &c), TLS_SERVER_OK);
	forget(&c);
	assert_int_equal(aheads, 1);
	assert_int_equal(signs, 2);
	tls_server_free(s);
}


int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup(sessions_are_resumed, calm),
		cmocka_unit_test_setup(a_pool_keeps_the_key_while_it_is_fresh,
		    calm),
		cmocka_unit_test_setup(what_cannot_be_resumed_begins_anew,
		    calm),
		cmocka_unit_test_setup(tls12_has_no_tickets, calm),
		cmocka_unit_test_setup(a_ticket_s_key_is_asked_for_ahead, calm),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, make_all, free_all);
}
