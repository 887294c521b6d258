/* The search index: no text is missed, whatever happens to its files. */
#include <sys/stat.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/xmalloc.h"
#include "lib/store/trigram.h"
#include "lib/store/trigram_row.h"
#include "tests/unit/tmpdir.h"

#define N(t)	(sizeof(t) / sizeof((t)[0]))
#define VALIDITY 77

static uint32_t	 seed;

static uint32_t
pick(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

/* Words, so that the same groups of octets come again. */
static void
make_text(uint32_t uid, char *out, size_t len)
{
	static const char	*syllable[] = { "MA", "KE", "RI", "STO", "NUN",
				    "\303\204", "TEX", "PLO", "QU", "ING" };
	size_t			 n = 0;

	seed = uid * 2654435761u;
	while (n + 8 < len) {
		n += (size_t)snprintf(out + n, 8, "%s", syllable[pick(10)]);
		if (pick(3) == 0)
			n += (size_t)snprintf(out + n, 8, "%u ", pick(50));
	}
	out[n] = '\0';
}

static int
home(void)
{
	int	 fd = open(tmpdir_path, O_RDONLY | O_DIRECTORY);

	assert_int_not_equal(fd, -1);
	return fd;
}

static struct trigram *
open_it(void)
{
	struct trigram	*t;
	int		 fd = home();

	t = trigram_open(fd, VALIDITY);
	assert_non_null(t);
	close(fd);
	return t;
}

static size_t
length_of(uint32_t uid)
{
	return uid % 17 == 0 ? 20000 : 50 + uid % 1500;
}

static char *
text_of(uint32_t uid)
{
	char	*p = xmalloc(length_of(uid) + 9);

	make_text(uid, p, length_of(uid));
	return p;
}

/* In pieces of different sizes. */
static void
add_text(struct trigram *t, const char *text)
{
	size_t	 n, len = strlen(text);

	while (len > 0) {
		n = 1 + pick(900);
		if (n > len)
			n = len;
		trigram_text(t, (struct slice){ text, n });
		text += n;
		len -= n;
	}
}

static void
add_letters(uint32_t first, uint32_t last)
{
	struct number_set	 live = { 0 };
	struct trigram		*t = open_it();
	uint32_t		 uid, covered;
	char			*text;

	number_set_add(&live, 1, last);
	assert_int_equal(trigram_begin(t, &live, &covered), 0);
	assert_int_equal(covered, first - 1);
	for (uid = first; uid <= last; uid++) {
		text = text_of(uid);
		trigram_letter(t, uid);
		add_text(t, text);
		assert_int_equal(trigram_letter_end(t), 0);
		free(text);
	}
	assert_int_equal(trigram_end(t), 0);
	trigram_close(t);
	number_set_free(&live);
}

/*
 * Pieces of letters are looked for; returns how many candidates there were too
 * many, and *failed counts the answers "I do not know".
 */
static unsigned int
check_letters(uint32_t last, unsigned int times, unsigned int *failed)
{
	struct number_set	 found = { 0 };
	struct trigram		*t = open_it();
	struct slice		 needle;
	unsigned int		 more = 0;
	uint32_t		 uid, covered;
	size_t			 len;
	char			*text;

	for (; times > 0; times--) {
		uid = 1 + pick(last);
		text = text_of(uid);
		seed += times;
		len = strlen(text);
		needle.len = 3 + pick(60);
		if (needle.len > len)
			needle.len = len;
		needle.ptr = text + pick((uint32_t)(len - needle.len + 1));
		if (trigram_candidates(t, needle, &found, &covered) == -1) {
			assert_int_equal(errno, EAGAIN);
			(*failed)++;
		} else {
			if (uid <= covered)
				assert_true(number_set_has(&found, uid));
			more += number_set_count(&found) - 1;
		}
		free(text);
	}
	number_set_free(&found);
	trigram_close(t);
	return more;
}

static void
short_needles_are_refused(void **state)
{
	struct number_set	 found = { 0 };
	struct trigram		*t = open_it();
	uint32_t		 covered = 9;
	static const char	*bad[] = { "", "A", "AB" };
	size_t			 i;

	(void)state;
	for (i = 0; i < N(bad); i++) {
		errno = 0;
		assert_int_equal(trigram_candidates(t, slice_str(bad[i]),
		    &found, &covered), -1);
		assert_int_equal(errno, EINVAL);
	}
	/* And there is nothing yet. */
	assert_int_equal(trigram_candidates(t, SLICE_LIT("ABC"), &found,
	    &covered), -1);
	assert_int_equal(errno, EAGAIN);
	trigram_close(t);
}

static void
nothing_is_missed(void **state)
{
	unsigned int	 failed = 0;

	(void)state;
	add_letters(1, 40);
	(void)check_letters(40, 300, &failed);
	add_letters(41, 41);
	add_letters(42, 3000);	/* several blocks */
	(void)check_letters(3000, 2000, &failed);
	add_letters(3001, 3300);
	(void)check_letters(3300, 1000, &failed);
	assert_int_equal(failed, 0);
}

static void
what_is_nowhere_is_not_found(void **state)
{
	static const char	*absent[] = { "XYLOPHONE", "ZZZZ",
				    "\316\261\316\262\316\263", "HIPPOPOTAMUS" };
	struct number_set	 found = { 0 };
	struct trigram		*t = open_it();
	uint32_t		 covered;
	size_t			 i;

	(void)state;
	for (i = 0; i < N(absent); i++) {
		assert_int_equal(trigram_candidates(t, slice_str(absent[i]),
		    &found, &covered), 0);
		assert_true(number_set_count(&found) < 100);
		assert_int_equal(covered, 3300);
	}
	number_set_free(&found);
	trigram_close(t);
}

static void
texts_apart_do_not_run_together(void **state)
{
	struct trigram_writer	 w = { 0 };
	struct trigram_row	 row;
	uint16_t		 probe[TRIGRAM_PROBES];
	size_t			 n;

	(void)state;
	trigram_writer_row(&w, &row);
	assert_int_equal(trigram_writer_add(&w, "ABC", 3), 3);
	trigram_writer_break(&w);
	assert_int_equal(trigram_writer_add(&w, "DEF", 3), 3);
	n = trigram_probes(SLICE_LIT("DEF"), probe);
	assert_true(trigram_row_has(&row, probe, n));
	n = trigram_probes(SLICE_LIT("BCDE"), probe);
	assert_false(trigram_row_has(&row, probe, n));
}

static void
a_square_is_turned(void **state)
{
	uint64_t	 m[64], t[64];
	size_t		 i, k;

	(void)state;
	for (i = 0; i < 64; i++)
		t[i] = m[i] = (uint64_t)pick(1 << 24) << 40 ^
		    (uint64_t)pick(1 << 24) << 20 ^ pick(1 << 24);
	trigram_transpose(t);
	for (i = 0; i < 64; i++)
		for (k = 0; k < 64; k++)
			assert_int_equal(m[i] >> k & 1, t[k] >> i & 1);
}

static void
long_letters_may_hold_anything(void **state)
{
	struct number_set	 found = { 0 }, live = { 0 };
	struct trigram		*t = open_it();
	uint32_t		 covered, i;
	char			 word[32];

	(void)state;
	number_set_add(&live, 1, 3302);
	assert_int_equal(trigram_begin(t, &live, &covered), 0);
	trigram_letter(t, 3301);
	for (i = 0; i < 100000; i++) {
		(void)snprintf(word, sizeof(word), "%x ", i * 2654435761u);
		trigram_text(t, slice_str(word));
	}
	assert_int_equal(trigram_letter_end(t), 0);
	trigram_letter(t, 3302);
	trigram_anything(t);
	assert_int_equal(trigram_letter_end(t), 0);
	assert_int_equal(trigram_end(t), 0);
	assert_int_equal(trigram_candidates(t, SLICE_LIT("CONTRABASSOON"),
	    &found, &covered), 0);
	assert_true(number_set_has(&found, 3301));
	assert_true(number_set_has(&found, 3302));
	assert_true(number_set_count(&found) < 100);
	number_set_free(&found);
	number_set_free(&live);
	trigram_close(t);
}

static void
one_writes_at_a_time(void **state)
{
	struct number_set	 live = { 0 };
	struct trigram		*a = open_it(), *b = open_it();
	uint32_t		 covered;

	(void)state;
	number_set_add(&live, 1, 3302);
	assert_int_equal(trigram_begin(a, &live, &covered), 0);
	assert_int_equal(trigram_begin(b, &live, &covered), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(trigram_end(a), 0);
	assert_int_equal(trigram_begin(b, &live, &covered), 0);
	assert_int_equal(covered, 3302);
	assert_int_equal(trigram_end(b), 0);
	trigram_close(a);
	trigram_close(b);
	number_set_free(&live);
}

static const char	*
file_name(bool tail)
{
	return tmpdir_file(tail ? "index/text.0000004d.tail" :
	    "index/text.0000004d");
}

/* Not only heads and rows: any octet may go wrong. */
static void
damage_is_never_believed(void **state)
{
	unsigned int	 i, failed = 0;
	struct stat	 st;
	char		 octet, was;
	off_t		 at;
	int		 fd;

	(void)state;
	for (i = 0; i < 60; i++) {
		fd = open(file_name(i % 3 == 0), O_RDWR);
		assert_int_not_equal(fd, -1);
		assert_int_equal(fstat(fd, &st), 0);
		at = i % 5 == 0 ? i % 40 :
		    (off_t)(((uint64_t)pick(1 << 24) << 8) %
		    (uint64_t)st.st_size);
		assert_int_equal(pread(fd, &was, 1, at), 1);
		octet = (char)(was ^ (1 << i % 8));
		assert_int_equal(pwrite(fd, &octet, 1, at), 1);
		(void)check_letters(3300, 40, &failed);
		assert_int_equal(pwrite(fd, &was, 1, at), 1);
		close(fd);
	}
	assert_true(failed > 0);
	failed = 0;
	(void)check_letters(3300, 40, &failed);
	assert_int_equal(failed, 0);
}

static void
a_short_file_is_made_anew(void **state)
{
	unsigned int	 failed = 0;
	static const off_t left[] = { 4096, 20, 0 };
	size_t		 i;

	(void)state;
	assert_int_equal(truncate(file_name(false), 1000000), 0);
	(void)check_letters(3300, 200, &failed);
	assert_true(failed > 0);
	for (i = 0; i < N(left); i++) {
		struct number_set	 live = { 0 }, found = { 0 };
		struct trigram		*t;
		uint32_t		 covered;

		assert_int_equal(truncate(file_name(false), left[i]), 0);
		(void)check_letters(3300, 20, &failed);
		t = open_it();
		/* A reader who met it has it made anew by whoever writes. */
		(void)trigram_candidates(t, SLICE_LIT("ABCDEF"), &found,
		    &covered);
		number_set_add(&live, 1, 3300);
		assert_int_equal(trigram_begin(t, &live, &covered), 0);
		assert_int_equal(covered, 0);
		assert_int_equal(trigram_end(t), 0);
		trigram_close(t);
		add_letters(1, 1000);
		failed = 0;
		(void)check_letters(1000, 50, &failed);
		assert_int_equal(failed, 0);
		number_set_free(&live);
		number_set_free(&found);
	}
}

static void
a_tail_of_other_blocks_counts_nothing(void **state)
{
	unsigned int	 failed = 0;
	char		 old[100], *name;
	int		 fd;

	(void)state;
	name = xstrdup(file_name(true));
	fd = open(name, O_RDWR);
	assert_int_equal(pread(fd, old, sizeof(old), 0), (ssize_t)sizeof(old));
	add_letters(1001, 2500);	/* fills a block */
	assert_int_equal(pwrite(fd, old, sizeof(old), 0),
	    (ssize_t)sizeof(old));
	close(fd);
	free(name);
	(void)check_letters(2500, 200, &failed);
	assert_int_equal(failed, 0);
}

static void
who_dies_while_adding_leaves_it_whole(void **state)
{
	struct number_set	 live = { 0 };
	struct trigram		*t;
	uint32_t		 uid, covered;
	unsigned int		 failed = 0;
	char			*text;
	pid_t			 pid;
	int			 status;

	(void)state;
	number_set_add(&live, 1, 9000);
	if ((pid = fork()) == 0) {
		t = open_it();
		if (trigram_begin(t, &live, &covered) == -1)
			_exit(1);
		for (uid = covered + 1; uid < 6000; uid++) {
			text = text_of(uid);
			trigram_letter(t, uid);
			add_text(t, text);
			if (trigram_letter_end(t) == -1)
				_exit(1);
			free(text);
		}
		trigram_text(t, SLICE_LIT("half"));
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	(void)check_letters(5999, 300, &failed);
	assert_int_equal(failed, 0);
	t = open_it();
	assert_int_equal(trigram_begin(t, &live, &covered), 0);
	assert_true(covered > 2500);	/* blocks were kept */
	assert_int_equal(trigram_end(t), 0);
	trigram_close(t);
	number_set_free(&live);
}

static void
mostly_dead_it_starts_anew(void **state)
{
	struct number_set	 live = { 0 };
	struct trigram		*t = open_it();
	uint32_t		 covered;

	(void)state;
	number_set_add(&live, 2000, 9000);
	assert_int_equal(trigram_begin(t, &live, &covered), 0);
	assert_true(covered > 2500);
	assert_int_equal(trigram_end(t), 0);
	number_set_remove(&live, 2000, 5500);
	assert_int_equal(trigram_begin(t, &live, &covered), 0);
	assert_int_equal(covered, 0);
	assert_int_equal(trigram_end(t), 0);
	trigram_close(t);
	number_set_free(&live);
}

static void
it_may_be_removed_at_any_moment(void **state)
{
	struct number_set	 live = { 0 }, found = { 0 };
	struct trigram		*t;
	uint32_t		 covered;
	int			 fd = home();

	(void)state;
	t = open_it();
	trigram_remove(fd, VALIDITY);
	number_set_add(&live, 1, 10);
	assert_int_equal(trigram_begin(t, &live, &covered), 0);
	trigram_letter(t, 1);
	trigram_text(t, SLICE_LIT("SOMETHING"));
	assert_int_equal(trigram_letter_end(t), 0);
	assert_int_equal(trigram_end(t), 0);
	assert_int_equal(trigram_candidates(t, SLICE_LIT("THING"), &found,
	    &covered), 0);
	assert_int_equal(number_set_count(&found), 1);
	trigram_close(t);
	assert_int_equal(access(file_name(false), F_OK), -1);
	close(fd);
	number_set_free(&live);
	number_set_free(&found);
}

int
main(void)
{
	static const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(short_needles_are_refused),
		cmocka_unit_test(nothing_is_missed),
		cmocka_unit_test(what_is_nowhere_is_not_found),
		cmocka_unit_test(texts_apart_do_not_run_together),
		cmocka_unit_test(a_square_is_turned),
		cmocka_unit_test(long_letters_may_hold_anything),
		cmocka_unit_test(one_writes_at_a_time),
		cmocka_unit_test(damage_is_never_believed),
		cmocka_unit_test(a_short_file_is_made_anew),
		cmocka_unit_test(a_tail_of_other_blocks_counts_nothing),
		cmocka_unit_test(who_dies_while_adding_leaves_it_whole),
		cmocka_unit_test(mostly_dead_it_starts_anew),
		cmocka_unit_test(it_may_be_removed_at_any_moment),
	};

	return cmocka_run_group_tests(tests, tmpdir_setup, tmpdir_teardown);
}
