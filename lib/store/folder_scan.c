/*
 * Reading a mailbox's directories under its lock: whose UID is whose, and new
 * ones for those without.  What comes out is a list of files by UID, all
 * below cur/ but where nothing can be renamed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/hash.h"
#include "lib/base/io.h"
#include "lib/store/folder_parts.h"
#include "lib/store/folder_scan.h"
#include "lib/store/maildir.h"

bool
folder_is_new(const char *name)
{
	return strncmp(name, "new/", 4) == 0;
}

int
folder_place(const struct folder *f, const char **name)
{
	if (!folder_is_new(*name))
		return f->cur;
	*name += 4;
	return f->new;
}

static bool
is_there(const struct folder *f, const char *name)
{
	int	 at = folder_place(f, &name);

	return faccessat(at, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The UID that a name claims with right; 0: none. */
static uint32_t
claim(struct folder_scan *s, const struct maildir_name *m)
{
	struct uidstate	*st = s->st;

	if (st->found != UIDSTATE_OK || m->validity != st->validity ||
	    m->uid >= st->floor || (s->risen != NULL &&
	    number_set_has(s->risen, m->uid)))
		return 0;
	/* Only after a loss of what this boot wrote. */
	if (m->uid >= st->next)
		st->next = m->uid + 1;
	return m->uid;
}

static int
note(const char *name, void *arg)
{
	struct folder_scan	*s = arg;
	struct maildir_name	 m;
	uint32_t		 uid;

	if (!maildir_name_parse(name, &m))
		return 0;
	uid = claim(s, &m);
	return folder_list_add(uid != 0 ? &s->known : &s->fresh, uid, s->sub,
	    name);
}

/* Does the index know this UID's file by that name? */
static bool
is_known_as(struct folder *f, uint32_t uid, const char *name)
{
	struct index_txn	*t;
	struct index		*ix;
	const char		*was;
	bool			 r;

	if ((ix = account_index(f->account)) == NULL ||
	    (t = index_begin(ix, false)) == NULL)
		return false;
	r = index_name(t, f->validity, uid, &was) == 1 &&
	    strcmp(was, name) == 0;
	index_abort(t);
	return r;
}

/*
 * Two files with one UID: a copy, or one that was renamed while we read the
 * directory, seen under both names.  Is it the second that stays?  *both: the
 * other one gets a new UID.
 */
static bool
second_stays(struct folder_scan *s, uint32_t uid, const char *a,
    const char *b, bool *both)
{
	*both = false;
	if (strcmp(a, b) == 0 || !is_there(s->f, b))
		return false;
	if (!is_there(s->f, a))
		return true;
	*both = true;
	if (is_known_as(s->f, uid, a))
		return false;
	return is_known_as(s->f, uid, b) || strcmp(b, a) < 0;
}

static int
settle_claims(struct folder_scan *s)
{
	struct folder_list	*l = &s->known;
	uint64_t		 lost;
	size_t			 i, n = 0;
	bool			 both;

	for (i = 0; i < l->n; i++) {
		if (n == 0 || l->key[i] >> 32 != l->key[n - 1] >> 32) {
			l->key[n++] = l->key[i];
			continue;
		}
		lost = l->key[i];
		if (second_stays(s, folder_list_uid(l, i),
		    folder_list_name(l, n - 1), folder_list_name(l, i),
		    &both)) {
			lost = l->key[n - 1];
			l->key[n - 1] = l->key[i];
		}
		if (both && folder_list_add(&s->fresh, 0, "",
		    l->data + (uint32_t)lost) == -1)
			return -1;
	}
	l->n = n;
	return 0;
}

static int
provisional(struct folder_scan *s, const char *name)
{
	struct maildir_name	 m;
	uint32_t		 h;

	maildir_name_parse(folder_is_new(name) ? name + 4 : name, &m);
	h = hash_octets(m.base.ptr, m.base.len);
	/* Room above for those that meet. */
	return folder_list_add(&s->unkept, FOLDER_PROVISIONAL +
	    h % (FOLDER_PROVISIONAL - 1000000), "", name);
}

/*
 * Write the UID into the name, below cur/.  1; 0 when the file is gone; -1
 * when it cannot be, with errno.
 */
static int
give(struct folder_scan *s, const char *name, uint32_t uid, char to[300])
{
	struct folder	*f = s->f;
	int		 at = folder_place(f, &name);

	if (maildir_name_key(name, s->st->validity, uid, to) == -1)
		return -1;
	if (at == f->cur && strcmp(name, to) == 0)
		return 1;
	if (io_rename_new(at, name, f->cur, to) == -1)
		return errno == ENOENT ? 0 : -1;
	s->renamed = true;
	return 1;
}

/* What has a UID but still stands in new/. */
static int
move_known(struct folder_scan *s)
{
	struct folder_list	*l = &s->known;
	char			 to[300], from[300];
	size_t			 i, n, was = l->n;
	int			 r;

	for (i = n = 0; i < was; i++) {
		l->key[n] = l->key[i];
		if (!folder_is_new(folder_list_name(l, i)) ||
		    !s->st->writable) {
			n++;
			continue;
		}
		snprintf(from, sizeof(from), "%s", folder_list_name(l, i));
		r = give(s, from, folder_list_uid(l, i), to);
		if (r == 0)
			continue;
		if (r == 1) {
			if (folder_list_add(l, folder_list_uid(l, i), "",
			    to) == -1)
				return -1;
			l->key[n] = l->key[--l->n];
		}
		n++;
	}
	l->n = n;
	return 0;
}

/* Oldest first, as they were delivered. */
static int
by_age(const void *va, const void *vb, void *arg)
{
	const uint64_t		*ka = va, *kb = vb;
	const struct folder_list *l = arg;
	const char		*a = l->data + (uint32_t)*ka;
	const char		*b = l->data + (uint32_t)*kb;
	int64_t			 ta, tb;

	if (folder_is_new(a))
		a += 4;
	if (folder_is_new(b))
		b += 4;
	ta = maildir_name_time(a);
	tb = maildir_name_time(b);
	if (ta != tb)
		return ta < tb ? -1 : 1;
	return strcmp(a, b);
}

static int
give_new(struct folder_scan *s)
{
	struct folder_list	*l = &s->fresh;
	struct uidstate		*st = s->st;
	uint32_t		 next = st->next;
	char			 to[300];
	size_t			 i;
	int			 r;

	if (l->n > 1)
		qsort_r(l->key, l->n, sizeof(*l->key), by_age, l);
	if (st->writable && l->n > 0) {
		if (l->n >= FOLDER_PROVISIONAL - 1000000 - next) {
			errno = EOVERFLOW;
			return -1;
		}
		st->next += (uint32_t)l->n;
		if (uidstate_write(st) == -1) {
			st->writable = false;
			st->next = next;
		}
	}
	for (i = 0; i < l->n; i++) {
		r = -1;
		if (st->writable)
			r = give(s, folder_list_name(l, i), next, to);
		if (r == 1 && folder_list_add(&s->known, next, "", to) == -1)
			return -1;
		if (r != -1)
			next++;
		else if (provisional(s, folder_list_name(l, i)) == -1)
			return -1;
	}
	/* Those that no name took are free again. */
	if (next < st->next) {
		st->next = next;
		uidstate_write(st);
	}
	return 0;
}

/*
 * UIDs for as long as none can be written down: from the names, so that the
 * next session has the same, and out of reach of those given in turn.
 */
static int
add_provisional(struct folder_scan *s)
{
	struct folder_list	*l = &s->unkept;
	uint32_t		 uid, last = 0;
	size_t			 i;

	folder_list_sort(l);
	for (i = 0; i < l->n; i++) {
		uid = folder_list_uid(l, i);
		if (uid <= last)
			uid = last + 1;
		last = uid;
		if (folder_list_add(&s->known, uid, "",
		    folder_list_name(l, i)) == -1)
			return -1;
	}
	return 0;
}

int
folder_scan_names(struct folder_scan *s, bool whole)
{
	struct folder	*f = s->f;

	s->first = s->st->next;
	s->sub = "new/";
	/* new/ first: what moves to cur/ meanwhile is seen there. */
	if (folder_each_name(f->new, note, s) == -1)
		return -1;
	s->sub = "";
	if (whole && folder_each_name(f->cur, note, s) == -1)
		return -1;
	folder_list_sort(&s->known);
	if (settle_claims(s) == -1)
		return -1;
	if (fstat(f->cur, &s->before) == -1)
		return -1;
	if (move_known(s) == -1 || give_new(s) == -1 ||
	    add_provisional(s) == -1)
		return -1;
	folder_list_sort(&s->known);
	return 0;
}

void
folder_scan_free(struct folder_scan *s)
{
	folder_list_free(&s->known);
	folder_list_free(&s->fresh);
	folder_list_free(&s->unkept);
}
