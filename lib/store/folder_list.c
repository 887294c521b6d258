/*
 * Reading directories of 100,000 names: one block of memory that grows by
 * mremap(2) and goes back as a whole, so that a session is small again.
 */
#include <sys/mman.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "lib/store/folder_parts.h"

#define FIRST_MAPPED	(64 * 1024)
#define RADIX_BITS	11
#define RADIX		(1u << RADIX_BITS)

static void *
map(void *old, size_t was, size_t size)
{
	void	*p;

	if (old == NULL)
		p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	else
		p = mremap(old, was, size, MREMAP_MAYMOVE);
	return p == MAP_FAILED ? NULL : p;
}

static int
grow_keys(struct folder_list *l)
{
	size_t	 room = l->room == 0 ? 4096 : l->room * 2;
	void	*p;

	p = map(l->key, l->room * sizeof(*l->key), room * sizeof(*l->key));
	if (p == NULL)
		return -1;
	l->key = p;
	l->room = room;
	return 0;
}

static int
grow_data(struct folder_list *l)
{
	size_t	 size = l->mapped == 0 ? FIRST_MAPPED : l->mapped * 2;
	void	*p;

	if (size > UINT32_MAX) {	/* forty million names */
		errno = EOVERFLOW;
		return -1;
	}
	if ((p = map(l->data, l->mapped, size)) == NULL)
		return -1;
	l->data = p;
	l->mapped = size;
	return 0;
}

int
folder_list_add(struct folder_list *l, uint32_t uid, const char *sub,
    const char *name)
{
	size_t	 a = strlen(sub), b = strlen(name) + 1;

	if (l->n == l->room && grow_keys(l) == -1)
		return -1;
	while (l->mapped - l->used < a + b)
		if (grow_data(l) == -1)
			return -1;
	l->key[l->n++] = (uint64_t)uid << 32 | l->used;
	memcpy(l->data + l->used, sub, a);
	memcpy(l->data + l->used + a, name, b);
	l->used += a + b;
	return 0;
}

void
folder_list_free(struct folder_list *l)
{
	if (l->key != NULL)
		munmap(l->key, l->room * sizeof(*l->key));
	if (l->data != NULL)
		munmap(l->data, l->mapped);
	memset(l, 0, sizeof(*l));
}

/* One pass over RADIX_BITS of the UIDs. */
static void
radix(const uint64_t *from, uint64_t *to, size_t n, unsigned int shift)
{
	size_t	 count[RADIX] = { 0 }, i, sum = 0, c;

	for (i = 0; i < n; i++)
		count[from[i] >> shift & (RADIX - 1)]++;
	for (i = 0; i < RADIX; i++) {
		c = count[i];
		count[i] = sum;
		sum += c;
	}
	for (i = 0; i < n; i++)
		to[count[from[i] >> shift & (RADIX - 1)]++] = from[i];
}

static int
compare(const void *va, const void *vb)
{
	const uint64_t	*a = va, *b = vb;

	return (*a > *b) - (*a < *b);
}

void
folder_list_sort(struct folder_list *l)
{
	uint64_t	*other = NULL;
	size_t		 size = l->room * sizeof(*l->key);

	if (l->n > 1000)
		other = map(NULL, 0, size);
	if (other == NULL) {
		if (l->n > 1)
			qsort(l->key, l->n, sizeof(*l->key), compare);
		return;
	}
	radix(l->key, other, l->n, 32);
	radix(other, l->key, l->n, 32 + RADIX_BITS);
	radix(l->key, other, l->n, 32 + 2 * RADIX_BITS);
	munmap(l->key, size);
	l->key = other;
}

int
folder_each_name(int fd, int (*fn)(const char *name, void *), void *arg)
{
	struct dirent	*de;
	DIR		*dp;
	int		 r = 0;

	if ((dp = io_opendir(fd, ".", 0)) == NULL)
		return -1;
	while (r == 0) {
		errno = 0;
		if ((de = readdir(dp)) == NULL) {
			r = errno == 0 ? 0 : -1;
			break;
		}
		if (de->d_name[0] != '.' &&
		    (de->d_type == DT_REG || de->d_type == DT_UNKNOWN))
			r = fn(de->d_name, arg);
	}
	closedir(dp);
	return r;
}
