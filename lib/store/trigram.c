/*
 * Contract in trigram.h.
 *
 * text.VALIDITY: a head, then blocks of ROWS rows, turned: for each bit a
 * slice with that bit of all rows; in front of them the rows' UIDs.
 * text.VALIDITY.tail: a head, then the rows that do not fill a block yet, as
 * they are.  A tail counts only if its head names the number of blocks that
 * there are: the order of writing is block, its head, tail, its head, so what
 * is interrupted anywhere leaves a state that is whole and at most short.
 */
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "lib/base/filelock.h"
#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "lib/store/trigram.h"
#include "lib/store/trigram_row.h"

#define ROWS		TRIGRAM_BITS	/* a square is easy to turn */
#define SLICE_WORDS	(ROWS / 64 + 1)	/* with its sum */
#define MAP_WORDS	(ROWS / 2 + 1)
#define BLOCK_WORDS	(MAP_WORDS + TRIGRAM_BITS * SLICE_WORDS)
#define HEAD_SIZE	4096
#define BLOCKS_MAX	50000		/* 100 GiB */
#define TRIES		3		/* of a reader, against a writer */
#define SPARE		1000		/* letters: not worth starting anew */

struct head {
	char		 magic[8];
	uint64_t	 seed;
	uint32_t	 validity;
	uint32_t	 covered;
	uint32_t	 count;		/* of blocks, of rows */
	uint32_t	 base;		/* tail: blocks before it */
	uint32_t	 letters;
	uint32_t	 zero;
	uint64_t	 sum;
};
#define HEAD_WORDS	(sizeof(struct head) / 8)

static const char	 main_magic[8] = "MPtext1", tail_magic[8] = "MPtail1";

struct trigram {
	int			 fd, tailfd;
	uint32_t		 validity;
	bool			 damaged, locked;
	struct head		 main, tail;
	/* while adding */
	struct trigram_row	*row;		/* of the tail */
	size_t			 n, written, room;
	size_t			 first;		/* row of this letter */
	struct trigram_writer	 writer;
	bool			 anything;
	bool			 dirty;
	int			 error;
};

static int
open_file(int homefd, uint32_t validity, const char *suffix, bool *made)
{
	char	 name[40];
	int	 fd;

	(void)snprintf(name, sizeof(name), "index/text.%08x%s", validity,
	    suffix);
	fd = openat(homefd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd == -1 && errno == ENOENT && !*made) {
		*made = true;
		if (mkdirat(homefd, "index", 0700) == -1 && errno != EEXIST)
			return -1;
		return open_file(homefd, validity, suffix, made);
	}
	return fd;
}

struct trigram *
trigram_open(int homefd, uint32_t validity)
{
	struct trigram	*t = xcalloc(1, sizeof(*t));
	bool		 made = false;

	t->validity = validity;
	t->tailfd = -1;
	if ((t->fd = open_file(homefd, validity, "", &made)) == -1 ||
	    (t->tailfd = open_file(homefd, validity, ".tail", &made)) == -1) {
		trigram_close(t);
		return NULL;
	}
	return t;
}

void
trigram_close(struct trigram *t)
{
	if (t == NULL)
		return;
	io_close(t->fd);
	io_close(t->tailfd);
	free(t->row);
	free(t);
}

void
trigram_remove(int homefd, uint32_t validity)
{
	char	 name[40];

	(void)snprintf(name, sizeof(name), "index/text.%08x", validity);
	(void)unlinkat(homefd, name, 0);
	(void)snprintf(name, sizeof(name), "index/text.%08x.tail", validity);
	(void)unlinkat(homefd, name, 0);
}

/* --- heads ------------------------------------------------------------------ */

static uint64_t
head_sum(const struct head *h)
{
	uint64_t	 words[HEAD_WORDS];

	memcpy(words, h, sizeof(*h));
	return trigram_sum(0, words, HEAD_WORDS - 1);
}

/* False: there is none that makes sense. */
static bool
read_head(int fd, const char *magic, uint32_t validity, struct head *h)
{
	return io_pread_full(fd, h, sizeof(*h), 0) == (ssize_t)sizeof(*h) &&
	    memcmp(h->magic, magic, sizeof(h->magic)) == 0 &&
	    h->validity == validity && h->sum == head_sum(h);
}

static int
write_head(int fd, struct head *h)
{
	h->sum = head_sum(h);
	return io_pwrite_all(fd, h, sizeof(*h), 0);
}

/*
 * The heads as they are now.  A tail that does not belong to the blocks is an
 * empty one.  False: there are none.
 */
static bool
load(struct trigram *t)
{
	if (!read_head(t->fd, main_magic, t->validity, &t->main) ||
	    t->main.count > BLOCKS_MAX)
		return false;
	if (!read_head(t->tailfd, tail_magic, t->validity, &t->tail) ||
	    t->tail.seed != t->main.seed || t->tail.base != t->main.count ||
	    t->tail.count > ROWS) {
		t->tail = t->main;
		memcpy(t->tail.magic, tail_magic, sizeof(tail_magic));
		t->tail.base = t->main.count;
		t->tail.count = 0;
	}
	return true;
}

/* Each sum knows where it belongs. */
static uint64_t
seed_of(const struct trigram *t, uint32_t block, uint32_t place)
{
	return t->main.seed + ((uint64_t)block << 32 | place);
}

enum { PLACE_MAP = TRIGRAM_BITS, PLACE_ROW };

static uint64_t
row_sum(const struct trigram *t, uint32_t base, size_t i,
    const struct trigram_row *row)
{
	uint64_t	 words[TRIGRAM_WORDS + 1];

	memcpy(words, row, sizeof(words));
	return trigram_sum(seed_of(t, base, PLACE_ROW + (uint32_t)i), words,
	    TRIGRAM_WORDS + 1);
}

static off_t
block_at(uint32_t block)
{
	return HEAD_SIZE + (off_t)block * BLOCK_WORDS * 8;
}

static off_t
row_at(size_t i)
{
	return HEAD_SIZE + (off_t)(i * sizeof(struct trigram_row));
}

/* --- looking ---------------------------------------------------------------- */

/* A run of words with its sum behind it.  0, or -1 with errno. */
static int
read_summed(const struct trigram *t, uint64_t *words, size_t n, off_t at,
    uint64_t seed)
{
	ssize_t	 len = (ssize_t)(n * 8);

	if (io_pread_full(t->fd, words, (size_t)len, at) == len &&
	    trigram_sum(seed, words, n - 1) == words[n - 1])
		return 0;
	errno = EAGAIN;
	return -1;
}

static int
read_slice(const struct trigram *t, uint32_t block, unsigned int bit,
    uint64_t *words)
{
	return read_summed(t, words, SLICE_WORDS, block_at(block) +
	    (off_t)(MAP_WORDS + bit * SLICE_WORDS) * 8,
	    seed_of(t, block, bit));
}

static void
add_uid(struct number_set *out, uint32_t uid)
{
	if (uid != 0 && !(out->n > 0 && out->range[out->n - 1].last == uid))
		number_set_add(out, uid, uid);
}

static int
add_rows(const struct trigram *t, uint32_t block, const uint64_t *found,
    struct number_set *out)
{
	uint64_t	 map[MAP_WORDS], word;
	uint32_t	 uid;
	size_t		 i, k;

	if (read_summed(t, map, MAP_WORDS, block_at(block),
	    seed_of(t, block, PLACE_MAP)) == -1)
		return -1;
	for (i = 0; i < ROWS / 64; i++) {
		for (word = found[i]; word != 0; word &= word - 1) {
			k = i * 64 + (size_t)__builtin_ctzll(word);
			memcpy(&uid, (const char *)map + k * 4, 4);
			add_uid(out, uid);
		}
	}
	return 0;
}

static int
look_in_block(const struct trigram *t, uint32_t block, const uint16_t *probe,
    size_t n, struct number_set *out)
{
	uint64_t	 found[SLICE_WORDS], slice[SLICE_WORDS], any;
	size_t		 i, k;

	if (read_slice(t, block, probe[0], found) == -1)
		return -1;
	for (i = 1; i < n; i++) {
		if (read_slice(t, block, probe[i], slice) == -1)
			return -1;
		for (any = 0, k = 0; k < ROWS / 64; k++)
			any |= found[k] &= slice[k];
		if (any == 0)
			return 0;
	}
	return add_rows(t, block, found, out);
}

static int
look_in_tail(const struct trigram *t, const uint16_t *probe, size_t n,
    struct number_set *out)
{
	struct trigram_row	 row[32];
	size_t			 i, k, len;

	for (i = 0; i < t->tail.count; i += k) {
		k = t->tail.count - i < 32 ? t->tail.count - i : 32;
		len = k * sizeof(row[0]);
		if (io_pread_full(t->tailfd, row, len, row_at(i)) !=
		    (ssize_t)len)
			goto changed;
		for (len = 0; len < k; len++) {
			if (row[len].sum != row_sum(t, t->tail.base, i + len,
			    &row[len]))
				goto changed;
			if (trigram_row_has(&row[len], probe, n))
				add_uid(out, row[len].uid);
		}
	}
	return 0;
changed:
	errno = EAGAIN;
	return -1;
}

static int
look(const struct trigram *t, const uint16_t *probe, size_t n,
    struct number_set *out)
{
	uint32_t	 i;

	for (i = 0; i < t->main.count; i++)
		if (look_in_block(t, i, probe, n, out) == -1)
			return -1;
	return look_in_tail(t, probe, n, out);
}

int
trigram_candidates(struct trigram *t, struct slice needle,
    struct number_set *out, uint32_t *covered)
{
	uint16_t	 probe[TRIGRAM_PROBES];
	size_t		 n;
	int		 i;

	number_set_clear(out);
	if ((n = trigram_probes(needle, probe)) == 0) {
		errno = EINVAL;
		return -1;
	}
	for (i = 0; i < TRIES; i++) {
		if (!load(t))
			break;
		if (look(t, probe, n, out) == 0) {
			*covered = t->tail.covered;
			return 0;
		}
		number_set_clear(out);
	}
	t->damaged = true;
	errno = EAGAIN;
	return -1;
}

/* --- adding ----------------------------------------------------------------- */

static int
start_anew(struct trigram *t)
{
	struct head	 h = { .validity = t->validity };

	arc4random_buf(&h.seed, sizeof(h.seed));
	memcpy(h.magic, main_magic, sizeof(h.magic));
	t->damaged = false;
	t->main = t->tail = h;
	memcpy(t->tail.magic, tail_magic, sizeof(t->tail.magic));
	if (ftruncate(t->fd, 0) == -1 || ftruncate(t->tailfd, 0) == -1)
		return -1;
	return write_head(t->fd, &t->main);
}

/* The rows of the tail, to go on with them.  False: damaged. */
static bool
load_tail(struct trigram *t)
{
	size_t	 i, len = t->tail.count * sizeof(t->row[0]);

	t->n = t->written = 0;
	if (io_pread_full(t->tailfd, t->row, len, row_at(0)) != (ssize_t)len)
		return false;
	for (i = 0; i < t->tail.count; i++)
		if (t->row[i].sum != row_sum(t, t->tail.base, i, &t->row[i]))
			return false;
	t->n = t->written = t->tail.count;
	return true;
}

static uint64_t
count_up_to(const struct number_set *set, uint32_t last)
{
	uint64_t	 n = 0;
	size_t		 i;

	for (i = 0; i < set->n && set->range[i].first <= last; i++)
		n += (set->range[i].last < last ? set->range[i].last : last) -
		    set->range[i].first + 1;
	return n;
}

static bool
mostly_dead(const struct trigram *t, const struct number_set *live)
{
	return t->tail.letters > SPARE && t->tail.letters >
	    2 * count_up_to(live, t->tail.covered);
}

int
trigram_begin(struct trigram *t, const struct number_set *live,
    uint32_t *covered)
{
	if (filelock_wait(t->fd, F_WRLCK, 0) == -1)
		return -1;
	t->locked = true;
	t->dirty = false;
	t->error = 0;
	t->room = ROWS + TRIGRAM_ROWS + 1;
	t->row = xreallocarray(NULL, t->room, sizeof(t->row[0]));
	if (t->damaged || !load(t) || mostly_dead(t, live) || !load_tail(t)) {
		t->n = t->written = 0;
		if (start_anew(t) == -1) {
			(void)trigram_end(t);
			return -1;
		}
	}
	*covered = t->tail.covered;
	return 0;
}

void
trigram_letter(struct trigram *t, uint32_t uid)
{
	t->first = t->n;
	t->anything = false;
	trigram_writer_break(&t->writer);
	trigram_writer_row(&t->writer, &t->row[t->n++]);
	t->row[t->first].uid = uid;
}

bool
trigram_text(struct trigram *t, struct slice text)
{
	size_t	 n;

	while (text.len > 0 && !t->anything) {
		n = trigram_writer_add(&t->writer, text.ptr, text.len);
		text.ptr += n;
		text.len -= n;
		if (text.len == 0)
			break;
		if (t->n - t->first == TRIGRAM_ROWS) {
			t->anything = true;
			break;
		}
		trigram_writer_row(&t->writer, &t->row[t->n]);
		t->row[t->n++].uid = t->row[t->first].uid;
	}
	return !t->anything;
}

void
trigram_break(struct trigram *t)
{
	trigram_writer_break(&t->writer);
}

void
trigram_anything(struct trigram *t)
{
	t->anything = true;
}

/* The sum is the last word of a slice or map. */
static void
put_sum(const struct trigram *t, uint64_t *words, size_t n, uint32_t place)
{
	words[n - 1] = trigram_sum(seed_of(t, t->main.count, place), words,
	    n - 1);
}

/* ROWS rows as a block. */
static void
turn(const struct trigram *t, uint64_t *out)
{
	uint64_t	 square[64], *slice = out + MAP_WORDS;
	size_t		 i, k, w;

	for (i = 0; i < ROWS; i++)
		memcpy((char *)out + i * 4, &t->row[i].uid, 4);
	put_sum(t, out, MAP_WORDS, PLACE_MAP);
	for (w = 0; w < TRIGRAM_WORDS; w++) {
		for (i = 0; i < ROWS / 64; i++) {
			for (k = 0; k < 64; k++)
				square[k] = t->row[i * 64 + k].bits[w];
			trigram_transpose(square);
			for (k = 0; k < 64; k++)
				slice[(w * 64 + k) * SLICE_WORDS + i] =
				    square[k];
		}
	}
	for (k = 0; k < TRIGRAM_BITS; k++)
		put_sum(t, slice + k * SLICE_WORDS, SLICE_WORDS, (uint32_t)k);
}

/* The first ROWS rows become a block.  0, or -1. */
static int
fill_block(struct trigram *t)
{
	struct head	 h = t->main;
	uint64_t	*block;
	int		 rc;

	if (h.count == BLOCKS_MAX) {
		errno = EFBIG;
		return -1;
	}
	block = xcalloc(BLOCK_WORDS, 8);
	turn(t, block);
	rc = io_pwrite_all(t->fd, block, BLOCK_WORDS * 8, block_at(h.count));
	free(block);
	if (rc == -1)
		return -1;
	/* This letter may lie across the end: it is not all in. */
	h.covered = t->n == ROWS ? t->row[ROWS - 1].uid :
	    t->row[t->first - 1].uid;
	h.letters = t->tail.letters;
	h.count++;
	if (write_head(t->fd, &h) == -1)
		return -1;
	t->main = h;
	t->n -= ROWS;
	memmove(t->row, t->row + ROWS, t->n * sizeof(t->row[0]));
	t->written = 0;
	t->tail.base = h.count;
	return 0;
}

int
trigram_letter_end(struct trigram *t)
{
	struct trigram_row	*row;

	if (t->anything) {
		t->n = t->first + 1;
		row = &t->row[t->first];
		memset(row->bits, 0xff, sizeof(row->bits));
	}
	t->tail.covered = t->row[t->first].uid;
	t->tail.letters++;
	t->dirty = true;
	if (t->error == 0 && t->n >= ROWS && fill_block(t) == -1)
		t->error = errno;
	if (t->error == 0)
		return 0;
	errno = t->error;
	return -1;
}

static int
write_tail(struct trigram *t)
{
	size_t	 i;

	for (i = t->written; i < t->n; i++)
		t->row[i].sum = row_sum(t, t->tail.base, i, &t->row[i]);
	if (t->n > t->written && io_pwrite_all(t->tailfd, t->row + t->written,
	    (t->n - t->written) * sizeof(t->row[0]), row_at(t->written)) == -1)
		return -1;
	t->tail.count = (uint32_t)t->n;
	return write_head(t->tailfd, &t->tail);
}

int
trigram_end(struct trigram *t)
{
	int	 rc = t->error == 0 ? 0 : -1, saved;

	if (rc == -1)
		errno = t->error;
	else if (t->dirty)
		rc = write_tail(t);
	saved = errno;
	free(t->row);
	t->row = NULL;
	if (t->locked)
		(void)filelock_wait(t->fd, F_UNLCK, 0);
	t->locked = false;
	errno = saved;
	return rc;
}
