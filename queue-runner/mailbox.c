/* Contract in mailbox.h. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "queue-runner/asker.h"
#include "queue-runner/mailbox.h"

#define KEPT		4096		/* slots of the cache, a power of 2 */
#define KEEP_MS		60000
#define OUTSTANDING	128		/* questions on the wire */

struct mailboxes {
	struct asker	*asker;
	struct mailbox	*kept[KEPT];
};

/* Who asked. */
struct asked {
	struct mailboxes	*all;
	union {
		mailbox_found_fn	*found;
		mailbox_expanded_fn	*expanded;
		mailbox_worker_fn	*worker;
	} fn;
	void			*arg;
};

void
mailbox_ref(struct mailbox *b)
{
	b->refs++;
}

void
mailbox_unref(struct mailbox *b)
{
	if (b == NULL || --b->refs > 0)
		return;
	free(b->address);
	free(b->user);
	free(b->home);
	free(b);
}

static struct mailbox **
mailboxes_slot(struct mailboxes *all, const char *address)
{
	return &all->kept[hash_str(address) % KEPT];
}

struct mailbox *
mailboxes_known(struct mailboxes *all, const char *address)
{
	struct mailbox	**slot = mailboxes_slot(all, address);

	if (*slot == NULL || strcmp((*slot)->address, address) != 0)
		return NULL;
	if ((*slot)->until > io_monotonic_ms())
		return *slot;
	mailbox_unref(*slot);
	*slot = NULL;
	return NULL;
}

static struct mailbox *
mailboxes_keep(struct mailboxes *all, const char *address,
    const struct auth_lookup *found)
{
	struct mailbox	**slot = mailboxes_slot(all, address), *b;

	b = xcalloc(1, sizeof(*b));
	b->refs = 1;
	b->until = io_monotonic_ms() + KEEP_MS;
	b->uid = found->uid;
	b->quota_octets = found->quota_octets;
	b->quota_count = found->quota_count;
	b->address = xstrdup(address);
	b->user = xstrdup(found->user);
	b->home = xstrdup(found->home);
	mailbox_unref(*slot);
	*slot = b;
	return b;
}

static struct asked *
asked_new(struct mailboxes *all, void *arg)
{
	struct asked	*q;

	q = xcalloc(1, sizeof(*q));
	q->all = all;
	q->arg = arg;
	return q;
}

static int
found_got(struct ipc_msg *m, const char *what, void *arg)
{
	static struct auth_lookup	 found;
	struct asked			*q = arg;
	struct mailbox			*b = NULL;

	if (proto_auth_get_found(m, &found) == -1)
		return -1;
	if (found.kind == AUTH_USER) {
		b = mailboxes_keep(q->all, what, &found);
		mailbox_ref(b);
	}
	q->fn.found(found.kind, b, q->arg);
	mailbox_unref(b);
	free(q);
	return 0;
}

static void
found_lost(const char *what, void *arg)
{
	struct asked	*q = arg;

	(void)what;
	q->fn.found(AUTH_TEMP, NULL, q->arg);
	free(q);
}

static int
expanded_got(struct ipc_msg *m, const char *what, void *arg)
{
	struct auth_result	*results = NULL;
	struct asked		*q = arg;
	size_t			 n = 0;
	char			 status[16];
	int			 fd = -1;

	(void)what;
	if (proto_auth_get_expanded(m, status, sizeof(status), &fd) == -1)
		return -1;
	if (fd != -1 && proto_auth_read_results(fd, &results, &n) == -1) {
		log_warn("event=expansion-unreadable");
		memcpy(status, "temp", 5);
	}
	io_close(fd);
	q->fn.expanded(status, results, n, q->arg);
	proto_auth_results_free(results, n);
	free(q);
	return 0;
}

static void
expanded_lost(const char *what, void *arg)
{
	struct asked	*q = arg;

	(void)what;
	q->fn.expanded("temp", NULL, 0, q->arg);
	free(q);
}

static int
worker_got(struct ipc_msg *m, const char *what, void *arg)
{
	struct asked	*q = arg;
	int		 fd;

	(void)what;
	if (proto_auth_get_worker(m, &fd) == -1)
		return -1;
	q->fn.worker(fd, q->arg);
	free(q);
	return 0;
}

static void
worker_lost(const char *what, void *arg)
{
	struct asked	*q = arg;

	(void)what;
	q->fn.worker(-1, q->arg);
	free(q);
}

struct mailboxes *
mailboxes_new(struct event_base *base, const char *path)
{
	const struct asker_peer	 authd = { .name = "authd", .path = path,
	    .outstanding = OUTSTANDING, .patience = AUTH_TIMEOUT_MS };
	struct mailboxes	*all;

	all = xcalloc(1, sizeof(*all));
	all->asker = asker_new(base, &authd);
	return all;
}

void
mailboxes_free(struct mailboxes *all)
{
	size_t	 i;

	if (all == NULL)
		return;
	asker_free(all->asker);
	for (i = 0; i < KEPT; i++)
		mailbox_unref(all->kept[i]);
	free(all);
}

void
mailboxes_lookup(struct mailboxes *all, const char *address,
    mailbox_found_fn *fn, void *arg)
{
	struct asked	*q = asked_new(all, arg);

	q->fn.found = fn;
	asker_ask(all->asker, proto_auth_put_lookup, address, found_got,
	    found_lost, q);
}

void
mailboxes_expand(struct mailboxes *all, const char *address,
    mailbox_expanded_fn *fn, void *arg)
{
	struct asked	*q = asked_new(all, arg);

	q->fn.expanded = fn;
	asker_ask(all->asker, proto_auth_put_expand, address, expanded_got,
	    expanded_lost, q);
}

void
mailboxes_worker(struct mailboxes *all, const char *user,
    mailbox_worker_fn *fn, void *arg)
{
	struct asked	*q = asked_new(all, arg);

	q->fn.worker = fn;
	asker_ask(all->asker, proto_auth_put_deliver, user, worker_got,
	    worker_lost, q);
}

bool
mailboxes_connected(const struct mailboxes *all)
{
	return asker_connected(all->asker);
}

void
mailboxes_tick(struct mailboxes *all)
{
	asker_tick(all->asker);
}
