/* Contract in account.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "lib/store/account.h"
#include "lib/store/maildir.h"
#include "lib/store/quota.h"

/* So often one is discarded before a session keeps its own. */
#define INDEX_FAILURES	3

static int
open_dirs(struct account *a)
{
	const int	 flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

	a->maildirfd = open(a->maildir, flags);
	if (a->maildirfd == -1 && errno == ENOENT &&
	    maildir_make(a->maildir) == 0)
		a->maildirfd = open(a->maildir, flags);
	if (a->maildirfd == -1)
		return -1;
	a->homefd = open(a->home, flags);
	return a->homefd == -1 ? -1 : 0;
}

int
account_open(struct account *a, const char *home, const char *host)
{
	int	 saved;

	memset(a, 0, sizeof(*a));
	a->homefd = a->maildirfd = -1;
	a->home = xstrdup(home);
	a->host = xstrdup(host);
	xasprintf(&a->maildir, "%s/Maildir", home);
	if (open_dirs(a) == 0)
		return 0;
	saved = errno;
	account_close(a);
	errno = saved;
	return -1;
}

void
account_close(struct account *a)
{
	size_t	 i;

	if (a->index != NULL)
		index_close(a->index);
	for (i = 0; i < ACCOUNT_KEYWORDS; i++)
		free(a->keyword[i]);
	if (a->home != NULL) {
		io_close(a->homefd);
		io_close(a->maildirfd);
	}
	free(a->home);
	free(a->maildir);
	free(a->host);
	memset(a, 0, sizeof(*a));
	a->homefd = a->maildirfd = -1;
}

struct index *
account_index(struct account *a)
{
	if (a->index == NULL)
		a->index = index_open(a->homefd, a->index_alone);
	return a->index;
}

void
account_rest(struct account *a)
{
	if (a->index != NULL)
		index_rest(a->index);
}

/* The place is at fault, and the index no worse than it was. */
static bool
is_place(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EROFS ||
	    error == EACCES || error == EPERM || error == EAGAIN;
}

void
account_index_failed(struct account *a, const char *why)
{
	const bool	 place = is_place(errno);
	const bool	 gone = errno == ESTALE;

	if (a->index == NULL)
		return;
	if (!index_is_private(a->index) && !gone &&
	    (place || ++a->index_failures >= INDEX_FAILURES)) {
		log_warn("event=index-private");
		a->index_alone = true;
	}
	if (place)
		index_close(a->index);
	else
		index_discard(a->index, why);
	a->index = NULL;
}

void
account_index_alone(struct account *a)
{
	if (a->index_alone)
		return;
	errno = ESTALE;
	log_warn("event=index-private");
	a->index_alone = true;
	index_close(a->index);
	a->index = NULL;
}

/* --- quota ------------------------------------------------------------------ */

static bool
limits(const struct account *a, struct quota *q)
{
	q->octets = a->quota_octets;
	q->count = a->quota_count;
	return q->octets != 0 || q->count != 0;
}

int
account_usage(struct account *a, uint64_t *octets, uint64_t *count)
{
	struct quota	 q;

	limits(a, &q);
	return quota_usage(a->maildir, &q, octets, count);
}

int
account_quota_room(struct account *a, uint64_t octets, uint64_t count)
{
	struct quota	 q;
	uint64_t	 used, n;

	if (!limits(a, &q))
		return 1;
	if (quota_usage(a->maildir, &q, &used, &n) == -1)
		return -1;
	if (q.octets != 0 && (used > q.octets || octets > q.octets - used))
		return 0;
	return q.count == 0 || (n <= q.count && count <= q.count - n);
}

void
account_quota_add(struct account *a, int64_t octets, int64_t count)
{
	/* Also for who has no limits: others read the file. */
	if (quota_add(a->maildir, octets, count) == -1)
		log_warn("event=quota-failed path=%s", log_esc(a->maildir));
}
