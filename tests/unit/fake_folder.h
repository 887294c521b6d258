/*
 * A folder of letters in memory, for tests of what stands on folder.h: linked
 * in place of it.
 */
#ifndef TESTS_FAKE_FOLDER_H
#define TESTS_FAKE_FOLDER_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/store/folder.h"

#define FAKE_KINDS	8
#define FAKE_LETTERS	8

struct folder {
	const char	*letter[FAKE_LETTERS];	/* of UID n + 1; NULL: gone */
	size_t		 len[FAKE_LETTERS];
	struct buf	 fact[FAKE_LETTERS][FAKE_KINDS];
	bool		 has[FAKE_LETTERS][FAKE_KINDS];
	int		 opened, flushed;
	bool		 no_index;
};

static inline void
fake_free(struct folder *f)
{
	size_t	 i, k;

	for (i = 0; i < FAKE_LETTERS; i++)
		for (k = 0; k < FAKE_KINDS; k++)
			buf_free(&f->fact[i][k]);
	memset(f, 0, sizeof(*f));
}

const char *
folder_dir(const struct folder *f)
{
	(void)f;
	return ".";
}

int
folder_file(struct folder *f, uint32_t uid)
{
	int	 fd;

	f->opened++;
	if (uid > FAKE_LETTERS || f->letter[uid - 1] == NULL) {
		errno = ENOENT;
		return -1;
	}
	if (f->len[uid - 1] == 0)
		f->len[uid - 1] = strlen(f->letter[uid - 1]);
	fd = memfd_create("letter", MFD_CLOEXEC);
	if (fd == -1 || io_write_all(fd, f->letter[uid - 1],
	    f->len[uid - 1]) == -1 || lseek(fd, 0, SEEK_SET) == -1)
		abort();
	return fd;
}

int
folder_fact(struct folder *f, uint32_t uid, unsigned int kind,
    struct buf *out)
{
	if (f->no_index) {
		errno = EIO;
		return -1;
	}
	if (uid > FAKE_LETTERS || !f->has[uid - 1][kind])
		return 0;
	return buf_add(out, f->fact[uid - 1][kind].ptr,
	    f->fact[uid - 1][kind].len) == -1 ? -1 : 1;
}

int
folder_facts(struct folder *f, unsigned int kind,
    const struct number_set *uids, int (*fn)(uint32_t, struct slice, void *),
    void *arg)
{
	uint32_t	 uid;
	int		 rc;

	if (f->no_index) {
		errno = EIO;
		return -1;
	}
	for (uid = 1; uid <= FAKE_LETTERS; uid++)
		if (number_set_has(uids, uid) && f->has[uid - 1][kind] &&
		    (rc = fn(uid, buf_slice(&f->fact[uid - 1][kind]), arg)))
			return rc;
	return 0;
}

void
folder_fact_put(struct folder *f, uint32_t uid, unsigned int kind,
    struct slice s)
{
	struct buf	*b = &f->fact[uid - 1][kind];

	if (f->no_index)
		return;
	buf_free(b);
	buf_init(b, 1 << 26);
	if (buf_add(b, s.ptr, s.len) == -1)
		abort();
	f->has[uid - 1][kind] = true;
}

void
folder_facts_flush(struct folder *f)
{
	f->flushed++;
}

#endif
