/* Contract in poison.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/filelock.h"
#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "lib/store/envelope.h"
#include "lib/store/spool.h"
#include "queue-runner/poison.h"

#define SLOT		32
#define SLOTS		128
#define LOCK_MS		5000
#define COUNT		(SPOOL_ID_LEN + 1)	/* place of the digit */

struct poison {
	int		 fd;		/* holds the lock */
	char		*map;
	unsigned int	 suspects;
};

static char *
poison_slot(const struct poison *p, unsigned int i)
{
	return p->map + (size_t)i * SLOT;
}

static bool
poison_used(const char *slot)
{
	char	 id[SPOOL_ID_LEN + 1];

	memcpy(id, slot, SPOOL_ID_LEN);
	id[SPOOL_ID_LEN] = '\0';
	return spool_id_valid(id);
}

static void
poison_blank(char *slot)
{
	memset(slot, ' ', SLOT - 1);
	slot[SLOT - 1] = '\n';
}

static char *
poison_suspect(const struct poison *p, const char *id)
{
	unsigned int	 i;

	for (i = 1; i < SLOTS; i++)
		if (memcmp(poison_slot(p, i), id, SPOOL_ID_LEN) == 0)
			return poison_slot(p, i);
	return NULL;
}

static char *
poison_empty(const struct poison *p)
{
	unsigned int	 i;

	for (i = 1; i < SLOTS; i++)
		if (!poison_used(poison_slot(p, i)))
			return poison_slot(p, i);
	return poison_slot(p, 1);	/* full: the oldest makes room */
}

/* The message in the first slot was being parsed at the end. */
static void
poison_count(struct poison *p)
{
	char	*now = poison_slot(p, 0), *slot;

	if (poison_used(now)) {
		if ((slot = poison_suspect(p, now)) == NULL) {
			slot = poison_empty(p);
			poison_blank(slot);
			slot[COUNT] = '0';
			memcpy(slot, now, SPOOL_ID_LEN);
		}
		if (slot[COUNT] < '0' || slot[COUNT] > '8')
			slot[COUNT] = '0';
		slot[COUNT]++;
	}
	poison_blank(now);
}

struct poison *
poison_open(int queuefd)
{
	struct poison	*p;
	unsigned int	 i;
	void		*map;
	int		 fd;

	fd = openat(queuefd, "poison", O_RDWR | O_CREAT | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (fd == -1)
		return NULL;
	/*
	 * One queue-runner a spool: the lock goes with the process, however it
	 * ends.  Allocated now, so that no later store meets a full disk.
	 */
	if (filelock_wait(fd, F_WRLCK, LOCK_MS) == -1 ||
	    (errno = posix_fallocate(fd, 0, SLOT * SLOTS)) != 0 ||
	    (map = mmap(NULL, SLOT * SLOTS, PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0)) == MAP_FAILED) {
		io_close(fd);
		return NULL;
	}
	p = xcalloc(1, sizeof(*p));
	p->fd = fd;
	p->map = map;
	poison_count(p);
	for (i = 1; i < SLOTS; i++) {
		if (poison_used(poison_slot(p, i)))
			p->suspects++;
		else
			poison_blank(poison_slot(p, i));
	}
	return p;
}

void
poison_close(struct poison *p)
{
	if (p == NULL)
		return;
	munmap(p->map, SLOT * SLOTS);
	close(p->fd);
	free(p);
}

bool
poison_begin(struct poison *p, const char *id)
{
	const char	*slot;

	if (p->suspects > 0 && (slot = poison_suspect(p, id)) != NULL &&
	    slot[COUNT] >= '0' + POISON_LIMIT)
		return false;
	memcpy(poison_slot(p, 0), id, SPOOL_ID_LEN);
	return true;
}

void
poison_end(struct poison *p)
{
	poison_slot(p, 0)[0] = ' ';
}

void
poison_clear(struct poison *p, const char *id)
{
	char	*slot;

	if (p->suspects > 0 && (slot = poison_suspect(p, id)) != NULL) {
		poison_blank(slot);
		p->suspects--;
	}
}
