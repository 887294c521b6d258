/* Contract in log.h. */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/log.h"

#define ESC_MAX		200
#define ESC_SLOTS	8
#define STALL_MS	1000	/* a full log pipe may delay us this long */

static const char	*log_prog = "merpati";
static enum log_level	 log_min = LOG_LEVEL_INFO;

/* Lines that wait. */
static char		 later[LOG_GATHER_MAX];
static size_t		 later_len;
static void		(*later_begun)(void *);
static void		*later_arg;

void
log_init(const char *prog)
{
	log_prog = prog;
}

void
log_set_level(enum log_level level)
{
	log_min = level;
}

static void
log_write(const char *line, size_t len)
{
	struct pollfd	 pfd = { .fd = STDERR_FILENO, .events = POLLOUT };

	/* Standard error may be non-blocking: never wait for ever. */
	while (write(STDERR_FILENO, line, len) == -1) {
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN || poll(&pfd, 1, STALL_MS) < 1)
			return;
	}
}

void
log_flush(void)
{
	int	 saved = errno;

	if (later_len > 0)
		log_write(later, later_len);
	later_len = 0;
	errno = saved;
}

void
log_gather(void (*begun)(void *), void *arg)
{
	static bool	 at_exit;

	if (!at_exit)
		at_exit = atexit(log_flush) == 0;
	log_flush();
	later_begun = at_exit ? begun : NULL;
	later_arg = arg;
}

static void
log_wait(const char *line, size_t len)
{
	bool	 first;

	if (len > sizeof(later) - later_len)
		log_flush();
	first = later_len == 0;
	memcpy(later + later_len, line, len);
	later_len += len;
	if (first)
		later_begun(later_arg);
}

/* The line's length. */
static size_t
log_format(char line[LOG_LINE_MAX], const char *level, bool with_errno,
    const char *fmt, va_list ap)
{
	int	 saved = errno;
	size_t	 len;
	int	 n;

	n = snprintf(line, LOG_LINE_MAX, "%s: %s", log_prog, level);
	len = (size_t)n;
	n = vsnprintf(line + len, LOG_LINE_MAX - len, fmt, ap);
	if (n < 0)
		n = 0;
	len += (size_t)n;
	if (with_errno && len < LOG_LINE_MAX) {
		n = snprintf(line + len, LOG_LINE_MAX - len, " reason=\"%s\"",
		    strerror(saved));
		len += (size_t)n;
	}
	if (len > LOG_LINE_MAX - 1) {
		len = LOG_LINE_MAX - 1;
		memcpy(line + len - 3, "...", 3);
	}
	line[len++] = '\n';
	return len;
}

static void
log_line(const char *level, bool with_errno, const char *fmt, va_list ap)
{
	char	 line[LOG_LINE_MAX];
	int	 saved = errno;
	size_t	 len = log_format(line, level, with_errno, fmt, ap);

	log_flush();
	log_write(line, len);
	errno = saved;
}

#define LOG_BODY(level, with_errno) do {			\
	va_list	 ap;						\
	va_start(ap, fmt);					\
	log_line(level, with_errno, fmt, ap);			\
	va_end(ap);						\
} while (0)

void
log_debug(const char *fmt, ...)
{
	if (log_min <= LOG_LEVEL_DEBUG)
		LOG_BODY("level=debug ", false);
}

void
log_info(const char *fmt, ...)
{
	if (log_min <= LOG_LEVEL_INFO)
		LOG_BODY("", false);
}

void
log_later(const char *fmt, ...)
{
	char	 line[LOG_LINE_MAX];
	int	 saved = errno;
	va_list	 ap;
	size_t	 len;

	if (log_min > LOG_LEVEL_INFO)
		return;
	va_start(ap, fmt);
	len = log_format(line, "", false, fmt, ap);
	va_end(ap);
	if (later_begun == NULL)
		log_write(line, len);
	else
		log_wait(line, len);
	errno = saved;
}

void
log_warn(const char *fmt, ...)
{
	LOG_BODY("level=warn ", true);
}

void
log_warnx(const char *fmt, ...)
{
	LOG_BODY("level=warn ", false);
}

void
fatal(const char *fmt, ...)
{
	LOG_BODY("level=fatal ", true);
	exit(EX_TEMPFAIL);
}

void
fatalx(const char *fmt, ...)
{
	LOG_BODY("level=fatal ", false);
	exit(EX_TEMPFAIL);
}

/* Length of the well-formed UTF-8 sequence at p (RFC 3629 4), or 0. */
static size_t
utf8_len(const unsigned char *p, size_t left)
{
	size_t	 n, i;

	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (left < n)
		return 0;
	for (i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	/* C1 controls reach terminals too. */
	if (n == 2 && p[0] == 0xc2 && p[1] < 0xa0)
		return 0;
	return n;
}

const char *
log_esc_slice(struct slice s)
{
	static char	 slots[ESC_SLOTS][ESC_MAX * 4 + 8];
	static unsigned	 next;
	const unsigned char *p = (const unsigned char *)s.ptr;
	char		*out = slots[next++ % ESC_SLOTS], *o = out + 1;
	bool		 quote = s.len == 0;
	size_t		 i, n;

	for (i = 0; i < s.len && i < ESC_MAX; i += n) {
		n = 1;
		if (p[i] >= 0x80 && (n = utf8_len(p + i, s.len - i)) > 0) {
			memcpy(o, p + i, n);
			o += n;
		} else if (p[i] < 0x20 || p[i] >= 0x7f || p[i] == '"' ||
		    p[i] == '\\') {
			n = 1;
			*o++ = '\\';
			*o++ = 'x';
			*o++ = "0123456789abcdef"[p[i] >> 4];
			*o++ = "0123456789abcdef"[p[i] & 15];
			quote = true;
		} else {
			if (p[i] == ' ' || p[i] == '=')
				quote = true;
			*o++ = (char)p[i];
		}
	}
	if (i < s.len) {
		memcpy(o, "...", 3);
		o += 3;
	}
	if (quote) {
		out[0] = '"';
		*o++ = '"';
	}
	*o = '\0';
	return quote ? out : out + 1;
}

const char *
log_esc(const char *s)
{
	return s == NULL ? "-" : log_esc_slice(slice_str(s));
}
