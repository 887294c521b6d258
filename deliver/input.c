/* Contract in input.h. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "deliver/input.h"

void
input_init(struct input *in, bool dot_ends, size_t max)
{
	memset(in, 0, sizeof(*in));
	buf_init(&in->text, max);
	in->dot_ends = dot_ends;
}

void
input_free(struct input *in)
{
	buf_free(&in->text);
}

static int
end_line(struct input *in)
{
	if (in->dot_ends && in->text.len == in->line + 1 &&
	    in->text.ptr[in->line] == '.') {
		in->text.len = in->line;
		in->ended = true;
		return 0;
	}
	if (buf_add(&in->text, "\r\n", 2) == -1)
		return -1;
	in->line = in->text.len;
	return 0;
}

/* Octets up to the next CR or LF; notes what kind of octets they are. */
static size_t
run_length(struct input *in, const char *p, size_t len)
{
	size_t		 n;
	unsigned char	 seen = 0;

	for (n = 0; n < len && p[n] != '\n' && p[n] != '\r'; n++) {
		seen |= (unsigned char)p[n];
		if (p[n] == '\0')
			in->nul = true;
	}
	if (seen & 0x80)
		in->eightbit = true;
	return n;
}

int
input_add(struct input *in, const char *data, size_t len)
{
	size_t	 i = 0, n;

	while (i < len && !in->ended) {
		if (in->cr) {
			in->cr = false;
			if (end_line(in) == -1)
				return -1;
			if (data[i] == '\n')
				i++;
			continue;
		}
		n = run_length(in, data + i, len - i);
		if (buf_add(&in->text, data + i, n) == -1)
			return -1;
		i += n;
		if (i == len)
			break;
		if (data[i++] == '\r')
			in->cr = true;
		else if (end_line(in) == -1)
			return -1;
	}
	return 0;
}

int
input_end(struct input *in)
{
	if (in->ended)
		return 0;
	if (in->cr || in->text.len > in->line) {
		in->cr = false;
		return end_line(in);
	}
	return 0;
}

int
input_read(struct input *in, int fd)
{
	static char	 block[65536];
	ssize_t		 n;

	while (!in->ended) {
		n = read(fd, block, sizeof(block));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		if (input_add(in, block, (size_t)n) == -1)
			return -1;
	}
	return input_end(in);
}
