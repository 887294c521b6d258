/* Contract in fake_store.h, folder.h, account.h. */
#include <sys/mman.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/io.h"
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
	size_t	 i;

	for (i = 0; i < FAKE_MAX; i++)
		free(fake.text[i]);
	memset(&fake, 0, sizeof(fake));
	fake.state.validity = 7;
	fake.state.next = 1;
	fake.state.modseq = 100;
	fake.claimed = 1;
}

struct letter *
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
	l->wire = LETTER_UNKNOWN;
	l->received = LETTER_UNDATED;
	l->saved = LETTER_UNDATED;
}

void
fake_deliver_text(uint32_t flags, const char *text)
{
	fake_deliver(flags);
	fake.text[fake.state.next - 2] = xstrdup(text);
	fake.letter[fake.n - 1].size = strlen(text);
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
account_open(struct account *a, const char *home, const char *host)
{
	(void)host;
	memset(a, 0, sizeof(*a));
	a->homefd = a->maildirfd = 1;
	if (strcmp(home, "/denied") != 0)
		return 0;
	a->homefd = -1;
	errno = EACCES;
	return -1;
}

void
account_rest(struct account *a)
{
	(void)a;
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

bool
folder_is_provisional(const struct folder *f)
{
	(void)f;
	return false;
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
	int	 r;

	fake.depth = depth;
	fake.syncs++;
	if (fake.at_sync != NULL)
		fake.at_sync(fake.syncs);
	if (fake.sync_errno != 0) {
		errno = fake.sync_errno;
		return -1;
	}
	r = folder_state(f, out);
	if (fake.after_sync != NULL)
		fake.after_sync(fake.syncs);
	return r;
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
folder_first_unseen(struct folder *f, uint32_t *uid)
{
	size_t	 i;

	(void)f;
	*uid = 0;
	for (i = fake.n; i-- > 0;)
		if (!(fake.letter[i].flags & LETTER_SEEN))
			*uid = fake.letter[i].uid;
	return 0;
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

int
wake_listen(struct wake *w, int homefd, const char *dir)
{
	(void)homefd;
	(void)dir;
	w->fd = -1;
	return -1;
}

void
wake_close(struct wake *w, int homefd)
{
	(void)w;
	(void)homefd;
}

void
wake_again(const struct wake *w, int homefd)
{
	(void)w;
	(void)homefd;
}

void
wake_leave(struct wake *w)
{
	(void)w;
}

bool
wake_take(const struct wake *w)
{
	(void)w;
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
	(void)count;
	return fake.quota == 0 || octets <= fake.quota;
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

/* At most two at a time, here too. */
ssize_t
folder_letters_of(struct folder *f, const struct number_set *uids,
    uint32_t *from, struct letter *out, size_t max)
{
	size_t	 i, n = 0;

	(void)f;
	if (max > 2)
		max = 2;
	for (i = 0; i < fake.n; i++) {
		if (fake.letter[i].uid < *from ||
		    !number_set_has(uids, fake.letter[i].uid))
			continue;
		if (n == max) {
			*from = fake.letter[i].uid;
			return (ssize_t)n;
		}
		out[n++] = fake.letter[i];
	}
	*from = 0;
	return (ssize_t)n;
}

int
folder_complete(struct folder *f, struct letter *l, size_t n, bool w,
    bool received)
{
	const char	*p;
	size_t		 i;

	(void)f;
	for (i = 0; i < n; i++) {
		if (fake.no_file[l[i].uid - 1]) {
			l[i].uid = 0;
			continue;
		}
		if (received)
			l[i].received = 86400 * l[i].uid;
		if (!w || fake.text[l[i].uid - 1] == NULL)
			continue;
		l[i].wire = l[i].size;
		for (p = fake.text[l[i].uid - 1]; *p != '\0'; p++)
			l[i].wire += *p == '\n';
	}
	return 0;
}

int
folder_file(struct folder *f, uint32_t uid)
{
	const char	*text = fake.text[uid - 1];
	int		 fd;

	(void)f;
	if (text == NULL || fake.no_file[uid - 1] || fake_find(uid) == NULL) {
		errno = ENOENT;
		return -1;
	}
	fd = memfd_create("letter", MFD_CLOEXEC);
	if (fd == -1 || io_write_all(fd, text, strlen(text)) == -1 ||
	    lseek(fd, 0, SEEK_SET) == -1)
		abort();
	return fd;
}

/* There is no index: all is made each time. */
int
folder_fact(struct folder *f, uint32_t uid, unsigned int kind,
    struct buf *out)
{
	(void)f;
	(void)uid;
	(void)kind;
	(void)out;
	return 0;
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
	return 0;
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

void
wake_send(int homefd, const char *dir)
{
	(void)homefd;
	(void)dir;
}
