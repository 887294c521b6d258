/*
 * Put aside and let go while fsync fails: the message has moved by then, and
 * what queue-runner does next is to follow from where it stands.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <bsd/string.h>
#include <cmocka.h>
#include <event2/event.h>

#include "queue-runner/control.h"
#include "queue-runner/message.h"
#include "queue-runner/runner.h"
#include "tests/unit/fail_fsync.h"
#include "tests/unit/tmpdir.h"

#define A	"1abcdefaaaaaaaaaaaab"

static char		 hostname[] = "mail.example.test";
static char		 postmaster[] = "postmaster@example.test";
static struct config	 cfg;
static struct runner	 q;

static int
setup(void **state)
{
	if (tmpdir_setup(state) == -1 ||
	    files_open_spool(&q.files, tmpdir_file("spool")) == -1)
		return -1;
	cfg.hostname = hostname;
	cfg.postmaster = postmaster;
	cfg.queue.retry.item[0] = 1;
	cfg.queue.retry.n = 1;
	q.cfg = &cfg;
	LIST_INIT(&q.messages);
	q.base = event_base_new();
	q.more = event_new(q.base, -1, 0, NULL, NULL);
	q.due = event_new(q.base, -1, 0, NULL, NULL);
	q.poison = poison_open(q.files.queuefd);
	q.schedule = schedule_new();
	return q.base == NULL || q.poison == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	fsync_fails_at = 0;
	schedule_free(q.schedule);
	poison_close(q.poison);
	files_close_spool(&q.files);
	event_free(q.more);
	event_free(q.due);
	event_base_free(q.base);
	memset(&q, 0, sizeof(q));
	return tmpdir_teardown(state);
}

static void
put(const char *place)
{
	char	 name[64];

	snprintf(name, sizeof(name), "spool/%s/" A, place);
	tmpdir_write(name, "no message", 10);
	strlcat(name, ".s", sizeof(name));
	tmpdir_write(name, "no state", 8);
}

static int
there(const char *name)
{
	return access(tmpdir_file(name), F_OK) == 0;
}

static int
apply(enum control_verb verb)
{
	struct control_request	 r = { .verb = verb, .fd = -1 };

	return control_apply(&q, &r, A);
}

/* Of two: each directory's. */
static void
fail_fsync(int n)
{
	fsyncs = 0;
	fsync_fails_at = n;
}

static void
a_release_that_is_not_synced_is_tried(void **state)
{
	int	 n;

	for (n = 1; n <= 2; n++) {
		put("hold");
		fail_fsync(n);
		assert_int_equal(apply(CONTROL_RELEASE), -1);
		assert_int_equal(errno, EIO);
		assert_true(there("spool/queue/ab/" A));
		assert_true(there("spool/queue/ab/" A ".s"));
		assert_non_null(schedule_find(q.schedule, A));
		assert_int_equal(teardown(state), 0);
		assert_int_equal(setup(state), 0);
	}
}

static void
what_could_not_move_keeps_its_state(void **state)
{
	(void)state;
	put("hold");
	/* Nothing can be renamed over a directory. */
	assert_int_equal(mkdir(tmpdir_file("spool/queue/ab/" A), 0700), 0);
	assert_int_equal(files_release(&q.files, A), -1);
	assert_true(there("spool/hold/" A));
	assert_true(there("spool/hold/" A ".s"));
	assert_int_equal(rmdir(tmpdir_file("spool/queue/ab/" A)), 0);
}

static void
a_hold_that_is_not_synced_is_not_tried(void **state)
{
	(void)state;
	put("queue/ab");
	schedule_add(q.schedule, A, true);
	fail_fsync(1);
	assert_int_equal(apply(CONTROL_HOLD), -1);
	assert_int_equal(errno, EIO);
	assert_true(there("spool/hold/" A));
	assert_null(schedule_find(q.schedule, A));
}

/* Its own hold: the damaged, and the poison. */
static void
what_is_put_aside_unsynced_is_told_and_not_tried(void **state)
{
	struct entry	*e;

	(void)state;
	put("queue/ab");
	schedule_ready(q.schedule, schedule_add(q.schedule, A, true));
	assert_non_null(e = schedule_pop(q.schedule));
	fail_fsync(1);
	message_start(&q, e);
	assert_true(there("spool/hold/" A));
	assert_null(schedule_find(q.schedule, A));
	assert_int_equal(schedule_total(q.schedule), 1);	/* the note */
}

static void
what_has_moved_already_keeps_its_state(void **state)
{
	(void)state;
	put("hold");
	assert_int_equal(files_hold(&q.files, PLACE_QUEUE, A, "why"), -1);
	assert_int_equal(errno, ENOENT);
	assert_true(there("spool/hold/" A ".s"));
}

#define CLAIM(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		CLAIM(a_release_that_is_not_synced_is_tried),
		CLAIM(what_could_not_move_keeps_its_state),
		CLAIM(a_hold_that_is_not_synced_is_not_tried),
		CLAIM(what_is_put_aside_unsynced_is_told_and_not_tried),
		CLAIM(what_has_moved_already_keeps_its_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
