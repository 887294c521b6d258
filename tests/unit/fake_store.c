/* Contract in fake_store.h, folder.h, account.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/slice.h"
#include "lib/base/xmalloc.h"
#include "lib/store/wake.h"
#include "tests/unit/fake_store.h"

struct folder {
	struct account	*account;
	char		*dir;
};

struct fake	 fake;

void
fake_reset(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.state.validity = 7;
	fake.state.next = 1;
	fake.state.modseq = 100;
	fake.claimed = 1;
}

static struct letter *
fake_find(uint32_t uid)
{
	size_t	 i;

	for (i = 0; i < fake.n; i++)
		if (fake.letter[i].uid == uid)
			return &fake.letter[i];
	return NULL;
}

void
fake_deliver(uint32_t flags)
{
	struct letter	*l = &fake.letter[fake.n++];

	memset(l, 0, sizeof(*l));
	l->uid = fake.state.next++;
	l->flags = flags;
	l->modseq = ++fake.state.modseq;
}

void
fake_flag(uint32_t uid, uint32_t flags)
{
	struct letter	*l = fake_find(uid);

	l->flags = flags;
	l->modseq = ++fake.state.modseq;
}

void
fake_remove(uint32_t uid)
{
	struct letter	*l = fake_find(uid);

	memmove(l, l + 1, (size_t)(fake.letter + fake.n - l - 1) *
	    sizeof(*l));
	fake.n--;
	fake.vanished[fake.nvanished].uid = uid;
	fake.vanished[fake.nvanished++].modseq = ++fake.state.modseq;
}

int
account_open(struct account *a, const char *home, const char *host,
    const char *spare)
{
	(void)host;
	(void)spare;
	memset(a, 0, sizeof(*a));
	a->homefd = a->maildirfd = 1;
	if (strcmp(home, "/denied") != 0)
		return 0;
	a->homefd = -1;
	errno = EACCES;
	return -1;
}

void
account_close(struct account *a)
{
	a->homefd = -1;
}

int
account_keyword(struct account *a, struct slice name, bool create)
{
	int	 i;

	(void)a;
	for (i = 0; i < ACCOUNT_KEYWORDS && fake.keyword[i][0] != '\0'; i++)
		if (slice_is(name, fake.keyword[i]))
			return i;
	errno = create ? ENOSPC : ENOENT;
	if (i == ACCOUNT_KEYWORDS || !create)
		return -1;
	memcpy(fake.keyword[i], name.ptr, name.len);
	return i;
}

const char *
account_keyword_name(struct account *a, unsigned int bit)
{
	(void)a;
	return fake.keyword[bit][0] == '\0' ? NULL : fake.keyword[bit];
}

struct folder *
folder_open(struct account *a, const char *dir)
{
	struct folder	*f;

	if (strcmp(dir, ".") != 0) {
		errno = ENOENT;
		return NULL;
	}
	fake.opened++;
	f = xcalloc(1, sizeof(*f));
	f->account = a;
	f->dir = xstrdup(dir);
	return f;
}

void
folder_close(struct folder *f)
{
	if (f == NULL)
		return;
	fake.closed++;
	free(f->dir);
	free(f);
}

const char *
folder_dir(const struct folder *f)
{
	return f->dir;
}

int
folder_state(struct folder *f, struct folder_state *out)
{
	size_t	 i;

	(void)f;
	fake.state.count = (uint32_t)fake.n;
	fake.state.recent = fake.claimed;
	fake.state.unseen = 0;
	for (i = 0; i < fake.n; i++)
		fake.state.unseen += !(fake.letter[i].flags & LETTER_SEEN);
	*out = fake.state;
	return 0;
}

int
folder_sync(struct folder *f, enum folder_depth depth,
    struct folder_state *out)
{
	(void)depth;
	fake.syncs++;
	if (fake.at_sync != NULL)
		fake.at_sync(fake.syncs);
	if (fake.sync_errno != 0) {
		errno = fake.sync_errno;
		return -1;
	}
	return folder_state(f, out);
}

int
folder_claim_recent(struct folder *f, uint32_t *recent)
{
	(void)f;
	*recent = fake.claimed;
	fake.claimed = fake.state.next;
	return 0;
}

int
folder_uids(struct folder *f, struct number_set *out)
{
	size_t	 i;

	(void)f;
	for (i = 0; i < fake.n; i++)
		number_set_add(out, fake.letter[i].uid, fake.letter[i].uid);
	return 0;
}

/* At most two at a time, so that callers must come again. */
ssize_t
folder_letters(struct folder *f, uint32_t first, uint64_t since,
    struct letter *out, size_t max)
{
	size_t	 i, n = 0;

	(void)f;
	if (max > 2)
		max = 2;
	for (i = 0; i < fake.n && n < max; i++)
		if (fake.letter[i].uid >= first &&
		    fake.letter[i].modseq > since)
			out[n++] = fake.letter[i];
	return (ssize_t)n;
}

int
folder_vanished(struct folder *f, uint64_t since, struct number_set *out)
{
	size_t	 i;

	(void)f;
	for (i = 0; i < fake.nvanished; i++)
		if (fake.vanished[i].modseq > since)
			number_set_add(out, fake.vanished[i].uid,
			    fake.vanished[i].uid);
	return since >= fake.forgotten;
}

void
folder_result_free(struct folder_result *r)
{
	number_set_free(&r->changed);
	number_set_free(&r->failed);
	number_set_free(&r->gone);
}

int
folder_expunge(struct folder *f, const struct number_set *uids,
    bool even_undeleted, struct folder_result *r)
{
	size_t	 i;

	(void)f;
	r->before = fake.state.modseq;
	for (i = fake.n; i-- > 0;)
		if ((uids == NULL ||
		    number_set_has(uids, fake.letter[i].uid)) &&
		    (even_undeleted ||
		    (fake.letter[i].flags & LETTER_DELETED))) {
			number_set_add(&r->gone, fake.letter[i].uid,
			    fake.letter[i].uid);
			fake_remove(fake.letter[i].uid);
		}
	r->after = fake.state.modseq;
	return 0;
}

int
wake_listen(int homefd, const char *dir)
{
	(void)homefd;
	(void)dir;
	return -1;
}

void
wake_close(int homefd, const char *dir, int fd)
{
	(void)homefd;
	(void)dir;
	(void)fd;
}

bool
wake_take(int fd)
{
	(void)fd;
	return false;
}

/*
 * The rest, which the frame has no use for, refuses: what is linked with it
 * needs their names.
 */
static int
refuse(void)
{
	errno = ENOSYS;
	return -1;
}

struct index *
account_index(struct account *a)
{
	(void)a;
	refuse();
	return NULL;
}

void
account_index_failed(struct account *a, const char *why)
{
	(void)a;
	(void)why;
}

int
account_quota_room(struct account *a, uint64_t octets, uint64_t count)
{
	(void)a;
	(void)octets;
	(void)count;
	return refuse();
}

void
account_quota_add(struct account *a, int64_t octets, int64_t count)
{
	(void)a;
	(void)octets;
	(void)count;
}

int
account_usage(struct account *a, uint64_t *octets, uint64_t *count)
{
	(void)a;
	(void)octets;
	(void)count;
	return refuse();
}

int
folder_octets(struct folder *f, bool deleted, uint64_t *octets)
{
	(void)f;
	(void)deleted;
	(void)octets;
	return refuse();
}

ssize_t
folder_letters_of(struct folder *f, const struct number_set *uids,
    uint32_t *from, struct letter *out, size_t max)
{
	(void)f;
	(void)uids;
	(void)from;
	(void)out;
	(void)max;
	return refuse();
}

int
folder_complete(struct folder *f, struct letter *l, size_t n, bool w,
    bool received)
{
	(void)f;
	(void)l;
	(void)n;
	(void)w;
	(void)received;
	return refuse();
}

int
folder_file(struct folder *f, uint32_t uid)
{
	(void)f;
	(void)uid;
	return refuse();
}

int
folder_fact(struct folder *f, uint32_t uid, unsigned int kind,
    struct buf *out)
{
	(void)f;
	(void)uid;
	(void)kind;
	(void)out;
	return refuse();
}

int
folder_facts(struct folder *f, unsigned int kind,
    const struct number_set *uids,
    int (*fn)(uint32_t, struct slice, void *), void *arg)
{
	(void)f;
	(void)kind;
	(void)uids;
	(void)fn;
	(void)arg;
	return refuse();
}

void
folder_fact_put(struct folder *f, uint32_t uid, unsigned int kind,
    struct slice value)
{
	(void)f;
	(void)uid;
	(void)kind;
	(void)value;
}

void
folder_facts_flush(struct folder *f)
{
	(void)f;
}

int
folder_store(struct folder *f, const struct number_set *uids,
    const struct folder_change *c, struct folder_result *r)
{
	(void)f;
	(void)uids;
	(void)c;
	(void)r;
	return refuse();
}

int
folder_copy(struct folder *from, const struct number_set *uids,
    struct folder *to, bool move, struct folder_copied *c)
{
	(void)from;
	(void)uids;
	(void)to;
	(void)move;
	(void)c;
	return refuse();
}

void
folder_copied_free(struct folder_copied *c)
{
	(void)c;
}

struct folder_append *
folder_append_new(struct folder *f)
{
	(void)f;
	refuse();
	return NULL;
}

int
folder_append_begin(struct folder_append *a, uint32_t flags,
    uint32_t keywords, int64_t date)
{
	(void)a;
	(void)flags;
	(void)keywords;
	(void)date;
	return refuse();
}

int
folder_append_data(struct folder_append *a, const void *data, size_t len)
{
	(void)a;
	(void)data;
	(void)len;
	return refuse();
}

int
folder_append_end(struct folder_append *a)
{
	(void)a;
	return refuse();
}

int
folder_append_commit(struct folder_append *a, uint32_t *validity,
    uint32_t *first)
{
	(void)a;
	(void)validity;
	(void)first;
	return refuse();
}

void
folder_append_abort(struct folder_append *a)
{
	(void)a;
}
