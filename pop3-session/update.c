/* Contract in update.h. */
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "lib/store/maildir.h"
#include "pop3-session/update.h"

#define DAY	86400

char *
update_seen_name(const char *name)
{
	struct maildir_name	 n;
	char			*out;
	size_t			 at;

	if (strlen(name) + strlen(":2,S") > MAILDIR_NAME_MAX ||
	    !maildir_name_parse(name, &n))
		return NULL;
	if (!n.has_info) {
		/* Flags of a kind we do not know are left alone. */
		if (strchr(name, ':') != NULL)
			return NULL;
		xasprintf(&out, "%s:2,S", name);
		return out;
	}
	if (n.info.len > 0 && memchr(n.info.ptr, 'S', n.info.len) != NULL)
		return NULL;
	/* Flags stand in ASCII order. */
	for (at = 0; at < n.info.len && n.info.ptr[at] < 'S'; at++)
		;
	at += (size_t)(n.info.ptr - name);
	xasprintf(&out, "%.*sS%s", (int)at, name, name + at);
	return out;
}

static bool
update_wants_removal(const struct mailbox *mb, size_t i, int expire,
    time_t now)
{
	int64_t	 t;

	if (mb->mark[i] & MAILBOX_DELETED)
		return true;
	if (expire == 0)
		return (mb->mark[i] & MAILBOX_RETRIEVED) != 0;
	if (expire < 0)
		return false;
	/* A name that tells no time never expires. */
	t = maildir_name_time(mb->list.entry[i].name);
	return t > 0 && t < now && now - t > (int64_t)expire * DAY;
}

/* Quota needs the stored size, which a foreign name may not tell. */
static uint64_t
update_stored_size(const struct mailbox *mb, size_t i)
{
	const struct uidlist_entry	*e = &mb->list.entry[i];
	struct stat			 st;

	if (e->size != UINT64_MAX)
		return e->size;
	if (fstatat(mailbox_folder(mb, i), e->name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return 0;
	return (uint64_t)st.st_size;
}

static void
update_remove(struct mailbox *mb, size_t i, struct update_result *r)
{
	struct uidlist_entry	*e = &mb->list.entry[i];
	uint64_t		 octets = update_stored_size(mb, i);
	int			 n;

	n = unlinkat(mailbox_folder(mb, i), e->name, 0);
	if (n == -1 && errno == ENOENT) {
		if (!mailbox_find(mb, i))
			return;		/* somebody else removed it */
		octets = update_stored_size(mb, i);
		n = unlinkat(mailbox_folder(mb, i), e->name, 0);
	}
	if (n == 0) {
		r->removed++;
		r->octets += octets;
	} else if (errno != ENOENT) {
		log_warn("event=pop3-remove-failed dir=%s name=%s",
		    log_esc(mb->dir), log_esc(e->name));
		r->failed++;
	}
}

/* A flag that cannot be set is no reason to trouble the client. */
static void
update_seen(struct mailbox *mb, size_t i)
{
	struct uidlist_entry	*e = &mb->list.entry[i];
	char			*name;
	int			 tries;

	for (tries = 0; tries < 2; tries++) {
		if (e->in_new || (name = update_seen_name(e->name)) == NULL)
			return;
		if (renameat(mb->cur, e->name, mb->cur, name) == 0) {
			mailbox_renamed(mb, i, name);
			return;
		}
		free(name);
		if (errno != ENOENT || !mailbox_find(mb, i))
			return;
	}
}

static bool
update_has_work(const struct mailbox *mb, int expire)
{
	size_t	 i;

	if (mb->list.n > 0 && expire > 0)
		return true;
	for (i = 0; i < mb->list.n; i++)
		if (mb->mark[i] & (MAILBOX_DELETED | MAILBOX_RETRIEVED))
			return true;
	return false;
}

int
update_commit(struct mailbox *mb, int expire, time_t now,
    struct update_result *r)
{
	size_t	 i;
	int	 lock;

	memset(r, 0, sizeof(*r));
	if (!update_has_work(mb, expire))
		return 0;
	/* ENOENT: no UIDs could be written down, as on a full disk. */
	if ((lock = uidlist_lock(mb->dir)) == -1 && errno != ENOENT) {
		log_warn("event=pop3-lock-failed dir=%s", log_esc(mb->dir));
		r->failed = mb->ndeleted;
		return r->failed > 0 ? -1 : 0;
	}
	for (i = 0; i < mb->list.n; i++) {
		if (update_wants_removal(mb, i, expire, now))
			update_remove(mb, i, r);
		else if (mb->mark[i] & MAILBOX_RETRIEVED)
			update_seen(mb, i);
	}
	io_close(lock);
	if (r->removed > 0 && (fsync(mb->cur) == -1 ||
	    (!mb->list.kept && fsync(mb->new) == -1))) {
		log_warn("event=pop3-sync-failed dir=%s", log_esc(mb->dir));
		return -1;
	}
	return r->failed > 0 ? -1 : 0;
}
