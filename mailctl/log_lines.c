/* Contract in log_lines.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "lib/base/buf.h"
#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "mailctl/log_lines.h"

#define FILE_MAX	((size_t)1 << 30)
#define LINES_MAX	1000000

/*
 * TAI64's origin, and what TAI is ahead of UTC: 37 s since 2017, and no leap
 * second is planned.  Older lines would be off by a second or two.
 */
#define TAI_ZERO	((uint64_t)1 << 62)
#define TAI_OFFSET	37

bool
log_lines_match(struct slice line, const char *id)
{
	size_t		 len = strlen(id);
	const char	*p = line.ptr, *end = line.ptr + line.len, *hit;

	while ((hit = memmem(p, (size_t)(end - p), id, len)) != NULL) {
		if ((hit == line.ptr || !text_is_alnum(hit[-1])) &&
		    (hit + len == end || !text_is_alnum(hit[len])))
			return true;
		p = hit + 1;
	}
	return false;
}

static int
hex_number(const char *s, size_t len, uint64_t *out)
{
	uint64_t	 v = 0;
	int		 d;

	while (len-- > 0) {
		if ((d = text_hex(*s++)) == -1)
			return -1;
		v = v << 4 | (uint64_t)d;
	}
	*out = v;
	return 0;
}

int
log_lines_time(const char *label, int64_t *seconds, uint32_t *nanoseconds)
{
	uint64_t	 s, ns;

	if (strlen(label) != LOG_LABEL || label[0] != '@' ||
	    hex_number(label + 1, 16, &s) == -1 ||
	    hex_number(label + 17, 8, &ns) == -1 ||
	    s < TAI_ZERO + TAI_OFFSET || s >= 2 * TAI_ZERO ||
	    ns >= 1000000000) {
		errno = EINVAL;
		return -1;
	}
	*seconds = (int64_t)(s - TAI_ZERO - TAI_OFFSET);
	*nanoseconds = (uint32_t)ns;
	return 0;
}

static void
add_line(struct log_lines *l, const char *program, struct slice line)
{
	struct log_line	*n;
	uint64_t	 ignored;

	if (l->n == LINES_MAX)
		return;
	if (l->n == l->size) {
		l->size = l->size == 0 ? 64 : l->size * 2;
		l->line = xreallocarray(l->line, l->size, sizeof(*l->line));
	}
	n = &l->line[l->n];
	n->order = l->n++;
	strlcpy(n->program, program, sizeof(n->program));
	n->label[0] = '\0';
	if (line.len > LOG_LABEL && line.ptr[0] == '@' &&
	    line.ptr[LOG_LABEL] == ' ' &&
	    hex_number(line.ptr + 1, 16, &ignored) == 0) {
		memcpy(n->label, line.ptr, LOG_LABEL);
		n->label[LOG_LABEL] = '\0';
		line.ptr += LOG_LABEL + 1;
		line.len -= LOG_LABEL + 1;
	}
	n->text = xstrndup(line.ptr, line.len);
}

/* From one hit to the next: most of a log is about other messages. */
void
log_lines_scan(struct log_lines *l, const char *program, struct slice text,
    const char *id)
{
	const char	*p = text.ptr, *end = text.ptr + text.len, *hit, *nl;
	struct slice	 line;

	while ((hit = memmem(p, (size_t)(end - p), id, strlen(id))) != NULL) {
		nl = memrchr(p, '\n', (size_t)(hit - p));
		line.ptr = nl == NULL ? p : nl + 1;
		nl = memchr(hit, '\n', (size_t)(end - hit));
		if (nl == NULL)
			nl = end;
		line.len = (size_t)(nl - line.ptr);
		if (log_lines_match(line, id))
			add_line(l, program, line);
		if (nl == end)
			break;
		p = nl + 1;
	}
}

static int
scan_file(struct log_lines *l, const char *program, const char *path,
    const char *id)
{
	struct buf	 text;
	int		 n;

	buf_init(&text, FILE_MAX);
	n = io_read_file(AT_FDCWD, path, &text);
	if (n == 0)
		log_lines_scan(l, program, buf_slice(&text), id);
	else if (errno == ENOENT)
		n = 0;		/* rotated away meanwhile */
	buf_free(&text);
	return n;
}

static int
scan_program(struct log_lines *l, const char *dir, const char *program,
    const char *id, char *failed, size_t size)
{
	char		 path[PATH_MAX];
	struct dirent	*e;
	DIR		*d;
	int		 n = 0, saved;

	snprintf(path, sizeof(path), "%s/%s", dir, program);
	if ((d = opendir(path)) == NULL) {
		if (errno == ENOTDIR)
			return 0;
		strlcpy(failed, path, size);
		return -1;
	}
	while ((e = readdir(d)) != NULL) {
		if ((strcmp(e->d_name, "current") != 0 &&
		    e->d_name[0] != '@') || snprintf(path, sizeof(path),
		    "%s/%s/%s", dir, program, e->d_name) >=
		    (int)sizeof(path))
			continue;
		if (scan_file(l, program, path, id) == -1) {
			saved = errno;
			strlcpy(failed, path, size);
			errno = saved;
			n = -1;
		}
	}
	saved = errno;
	closedir(d);
	errno = saved;
	return n;
}

int
log_lines_read(struct log_lines *l, const char *dir, const char *id,
    char *failed, size_t size)
{
	struct dirent	*e;
	DIR		*d = opendir(dir);
	int		 n = 0, saved = 0;

	failed[0] = '\0';
	if (d == NULL) {
		strlcpy(failed, dir, size);
		return -1;
	}
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && scan_program(l, dir, e->d_name,
		    id, failed, size) == -1) {
			saved = errno;
			n = -1;
		}
	closedir(d);
	errno = saved;
	return n;
}

static int
compare(const void *a, const void *b)
{
	const struct log_line	*x = a, *y = b;
	int			 c = strcmp(x->label, y->label);

	if (c != 0)
		return c;
	return x->order < y->order ? -1 : x->order > y->order;
}

void
log_lines_sort(struct log_lines *l)
{
	if (l->n > 0)
		qsort(l->line, l->n, sizeof(*l->line), compare);
}

void
log_lines_free(struct log_lines *l)
{
	size_t	 i;

	for (i = 0; i < l->n; i++)
		free(l->line[i].text);
	free(l->line);
	memset(l, 0, sizeof(*l));
}
