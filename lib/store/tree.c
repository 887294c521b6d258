/* Reading the tree; contract in tree.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/filelock.h"
#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/mailbox_name.h"
#include "lib/store/tree_parts.h"

#define LOCK_MS	30000

struct builder {
	struct account	*a;
	struct special	 special;
	struct tree	*t;
	size_t		 room;
};

int
tree_lock(struct account *a)
{
	int	 fd;

	fd = openat(a->maildirfd, "tree.lock",
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd != -1 && filelock_wait(fd, F_WRLCK, LOCK_MS) == -1) {
		io_close(fd);
		return -1;
	}
	return fd;
}

int
tree_dir(struct slice name, char dir[MAILBOX_DIR_MAX + 1])
{
	struct buf	 b;
	int		 r;

	buf_init(&b, MAILBOX_DIR_MAX + 1);
	if ((r = mailbox_name_to_dir(name, &b)) == 0)
		memcpy(dir, buf_cstr(&b), b.len + 1);
	buf_free(&b);
	return r;
}

/* A mailbox has a cur/ in a directory, not behind a link. */
bool
tree_exists(const struct account *a, const char *dir)
{
	int	 fd;
	bool	 yes;

	if (strcmp(dir, ".") == 0)
		return true;
	fd = openat(a->maildirfd, dir,
	    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return false;
	yes = faccessat(fd, "cur", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	io_close(fd);
	return yes;
}

static bool
is_inbox(struct slice name)
{
	return name.len >= 5 && memcmp(name.ptr, "INBOX", 5) == 0 &&
	    (name.len == 5 || name.ptr[5] == '/');
}

/*
 * Order of listings: INBOX and what is below it, then by octets, children
 * right after their parents.
 */
static int
order(struct slice a, struct slice b)
{
	size_t		 i;
	unsigned char	 x, y;
	bool		 ia = is_inbox(a), ib = is_inbox(b);

	if (ia != ib)
		return ia ? -1 : 1;
	for (i = 0; i < a.len && i < b.len; i++) {
		x = a.ptr[i] == '/' ? 0 : (unsigned char)a.ptr[i];
		y = b.ptr[i] == '/' ? 0 : (unsigned char)b.ptr[i];
		if (x != y)
			return x < y ? -1 : 1;
	}
	return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
}

static int
order_items(const void *va, const void *vb)
{
	const struct tree_item	*a = va, *b = vb;

	return order(slice_str(a->name), slice_str(b->name));
}

static struct tree_item *
add(struct builder *b, struct slice name)
{
	struct tree		*t = b->t;
	struct tree_item	*item;

	if (t->n == b->room) {
		b->room = b->room == 0 ? 32 : 2 * b->room;
		t->item = xreallocarray(t->item, b->room, sizeof(*t->item));
	}
	item = &t->item[t->n++];
	memset(item, 0, sizeof(*item));
	item->name = xmalloc(name.len + 1);
	memcpy(item->name, name.ptr, name.len);
	item->name[name.len] = '\0';
	return item;
}

static void
add_directory(struct builder *b, const char *dir)
{
	struct tree_item	*item;
	struct buf		 name;

	buf_init(&name, MAILBOX_NAME_MAX);
	if (mailbox_name_from_dir(dir, &name) == 0 && tree_exists(b->a, dir)) {
		item = add(b, buf_slice(&name));
		item->exists = true;
		item->uses = special_uses(&b->special, dir);
	}
	buf_free(&name);
}

static int
add_directories(struct builder *b)
{
	struct dirent	*d;
	DIR		*dp;
	int		 saved;

	if ((dp = io_opendir(b->a->maildirfd, ".", 0)) == NULL)
		return -1;
	while ((void)(errno = 0), (d = readdir(dp)) != NULL)
		if (d->d_name[0] == '.' && (d->d_type == DT_DIR ||
		    d->d_type == DT_UNKNOWN))
			add_directory(b, d->d_name);
	saved = errno;
	closedir(dp);
	errno = saved;
	return saved == 0 ? 0 : -1;
}

static int
add_subscribed(struct slice name, void *arg)
{
	add(arg, name)->subscribed = true;
	return 0;
}

/* Names above, so that every level has an item. */
static void
add_parents(struct builder *b)
{
	size_t		 i, k, n = b->t->n;
	struct slice	 name;

	for (i = 0; i < n; i++) {
		name = slice_str(b->t->item[i].name);
		for (k = name.len; k-- > 1;)
			if (name.ptr[k] == '/')
				add(b, (struct slice){ name.ptr, k });
	}
}

/* What was added twice becomes one. */
static void
merge(struct tree *t)
{
	struct tree_item	*to = t->item, *from;
	size_t			 i, n = 0;

	if (t->n == 0)
		return;
	qsort(t->item, t->n, sizeof(*t->item), order_items);
	for (i = 1; i < t->n; i++) {
		from = &t->item[i];
		to = &t->item[n];
		if (strcmp(to->name, from->name) != 0) {
			t->item[++n] = *from;
			continue;
		}
		to->exists |= from->exists;
		to->subscribed |= from->subscribed;
		to->uses |= from->uses;
		free(from->name);
	}
	t->n = n + 1;
}

static struct tree_item *
find(const struct tree *t, struct slice name)
{
	size_t	 low = 0, high = t->n, mid;
	int	 c;

	while (low < high) {
		mid = low + (high - low) / 2;
		c = order(name, slice_str(t->item[mid].name));
		if (c == 0)
			return &t->item[mid];
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

static void
tell_parents(struct tree *t, const struct tree_item *child)
{
	struct slice		 name = slice_str(child->name);
	struct tree_item	*up;

	while (name.len-- > 1) {
		if (name.ptr[name.len] != '/' ||
		    (up = find(t, name)) == NULL)
			continue;
		up->children |= child->exists;
		up->subscribed_below |= child->subscribed;
	}
}

int
tree_read(struct account *a, struct tree *t)
{
	struct builder	 b = { .a = a, .t = t };
	size_t		 i;
	int		 saved;

	memset(t, 0, sizeof(*t));
	if (special_read(a, &b.special) == -1)
		return -1;
	if (add_directories(&b) == -1 ||
	    tree_subscribed(a, add_subscribed, &b) == -1) {
		saved = errno;
		special_free(&b.special);
		tree_free(t);
		errno = saved;
		return -1;
	}
	special_free(&b.special);
	add_parents(&b);
	merge(t);
	for (i = 0; i < t->n; i++)
		if (t->item[i].exists || t->item[i].subscribed)
			tell_parents(t, &t->item[i]);
	return 0;
}

void
tree_free(struct tree *t)
{
	size_t	 i;

	for (i = 0; i < t->n; i++)
		free(t->item[i].name);
	free(t->item);
	memset(t, 0, sizeof(*t));
}

const struct tree_item *
tree_find(const struct tree *t, struct slice name)
{
	return find(t, name);
}

int
tree_known(struct account *a, struct buf *name)
{
	char		 dir[MAILBOX_DIR_MAX + 1];
	struct buf	 composed;
	int		 r = 0;

	if (tree_dir(buf_slice(name), dir) == 0 && tree_exists(a, dir))
		return 0;
	buf_init(&composed, name->max);
	if ((r = mailbox_name_compose(buf_slice(name), &composed)) == 0) {
		buf_clear(name);
		r = buf_add(name, composed.ptr, composed.len);
	}
	buf_free(&composed);
	return r;
}
