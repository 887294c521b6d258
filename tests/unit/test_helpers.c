/* Helper processes: answers, deaths, nonsense, lateness. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "lib/base/helpers.h"
#include "lib/base/log.h"

static struct event_base	*base;
static unsigned int		 answered, missing, waiting;

/* In the helper: what the question says. */
static int
work(struct ipc_msg *m, void *arg)
{
	uint64_t	 id = m->id;
	char		 what[32];

	ipc_get(m, "what", what, sizeof(what));
	if (ipc_end(m) == -1 || strcmp(what, "refuse") == 0)
		return -1;
	if (strcmp(what, "die") == 0)
		raise(SIGKILL);
	if (strcmp(what, "sleep") == 0)
		sleep(20);
	ipc_start(m, "answer", id + (strcmp(what, "lie") == 0));
	ipc_put(m, "what", what);
	ipc_put_u64(m, "pid", (uint64_t)getpid());
	ipc_put(m, "arg", arg);
	return 0;
}

static void
done(struct ipc_msg *m, void *arg)
{
	const char	*wanted = arg;
	char		 what[32], more[32];
	uint64_t	 pid;

	if (m == NULL)
		missing++;
	else {
		ipc_get(m, "what", what, sizeof(what));
		ipc_get_u64(m, "pid", UINT32_MAX, &pid);
		ipc_get(m, "arg", more, sizeof(more));
		assert_int_equal(ipc_end(m), 0);
		assert_string_equal(what, wanted);
		assert_string_equal(more, "given");
		assert_int_not_equal(pid, getpid());
		answered++;
	}
	if (--waiting == 0)
		event_base_loopbreak(base);
}

static int
ask(struct helpers *hs, const char *what)
{
	static struct ipc_msg	 m;
	static uint64_t		 id;
	int			 r;

	ipc_start(&m, "question", ++id);
	ipc_put(&m, "what", what);
	r = helpers_ask(hs, &m, false, done, (void *)(uintptr_t)what);
	if (r == 0)
		waiting++;
	return r;
}

static struct helpers *
start_kind(struct helpers_kind kind)
{
	static char	 given[] = "given";

	kind.title = "test";
	kind.work = work;
	kind.arg = given;
	answered = missing = waiting = 0;
	return helpers_new(base, &kind);
}

static struct helpers *
start(unsigned int max, unsigned int queue, unsigned int limit_ms)
{
	return start_kind((struct helpers_kind){ .max = max, .queue = queue,
	    .limit_ms = limit_ms });
}

static void
questions_are_answered_in_turn(void **state)
{
	struct helpers	*hs = start(3, 100, 20000);
	int		 i;

	(void)state;
	for (i = 0; i < 50; i++)
		assert_int_equal(ask(hs, i % 2 == 0 ? "one" : "two"), 0);
	assert_int_equal(answered, 0);
	event_base_dispatch(base);
	assert_int_equal(answered, 50);
	assert_int_equal(missing, 0);
	helpers_free(hs);
	helpers_free(NULL);
}

static void
a_helper_that_fails_is_replaced(void **state)
{
	static const char *const	 bad[] = { "die", "refuse", "lie" };
	struct helpers			*hs;
	size_t				 i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		hs = start(1, 10, 20000);
		assert_int_equal(ask(hs, "one"), 0);
		assert_int_equal(ask(hs, bad[i]), 0);
		assert_int_equal(ask(hs, "two"), 0);
		event_base_dispatch(base);
		assert_int_equal(answered, 2);
		assert_int_equal(missing, 1);
		helpers_free(hs);
	}
}

static void
lateness_has_an_end(void **state)
{
	struct helpers	*hs = start(1, 2, 300);

	(void)state;
	assert_int_equal(ask(hs, "sleep"), 0);
	/* Its turn does not come in time either. */
	assert_int_equal(ask(hs, "sleep"), 0);
	event_base_dispatch(base);
	assert_int_equal(answered, 0);
	assert_int_equal(missing, 2);
	helpers_free(hs);
}

/* Whoever waits does not pay for what goes before. */
static void
patience_begins_with_the_work(void **state)
{
	struct helpers	*hs = start_kind((struct helpers_kind){ .max = 1,
			    .queue = 2, .limit_ms = 300, .patient = true });

	(void)state;
	helpers_start(hs);
	assert_int_equal(ask(hs, "sleep"), 0);
	assert_int_equal(ask(hs, "one"), 0);
	event_base_dispatch(base);
	assert_int_equal(answered, 1);
	assert_int_equal(missing, 1);
	helpers_free(hs);
}

static void
what_cannot_be_asked_is_refused(void **state)
{
	static struct ipc_msg	 m;
	struct helpers		*hs = start(1, 1, 20000);

	(void)state;
	assert_int_equal(ask(hs, "sleep"), 0);
	assert_int_equal(ask(hs, "sleep"), 0);		/* waits */
	assert_int_equal(ask(hs, "sleep"), -1);
	assert_int_equal(errno, EAGAIN);
	helpers_free(hs);
	hs = start(1, 1, 20000);
	ipc_start(&m, "question", 1);
	ipc_put(&m, "what", "a\nb");
	assert_int_equal(helpers_ask(hs, &m, false, done, NULL), -1);
	assert_int_equal(errno, EBADMSG);
	ipc_start(&m, "question", 1);
	ipc_attach(&m, 0);
	assert_int_equal(helpers_ask(hs, &m, false, done, NULL), -1);
	assert_int_equal(errno, EBADMSG);
	helpers_free(hs);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(questions_are_answered_in_turn),
		cmocka_unit_test(a_helper_that_fails_is_replaced),
		cmocka_unit_test(lateness_has_an_end),
		cmocka_unit_test(patience_begins_with_the_work),
		cmocka_unit_test(what_cannot_be_asked_is_refused),
	};

	(void)argc;
	log_init(argv[0]);
	if ((base = event_base_new()) == NULL)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
