/* Contract in mailctl.h. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base/text.h"
#include "mailctl/mailctl.h"

#define ROTATING	8

const struct config *
mailctl_config(struct mailctl *m)
{
	if (m->cfg == NULL)
		m->cfg = config_need(m->file);
	return m->cfg;
}

int
complain(int code, const char *fmt, ...)
{
	char	 line[1024];
	va_list	 ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fflush(stdout);
	fprintf(stderr, "mailctl: %s\n", line);
	return code;
}

int
wrong_usage(const char *usage)
{
	fprintf(stderr, "usage: %s\n", usage);
	return EX_USAGE;
}

const char *
only_word(struct mailctl *m, int argc, char **argv, const char *usage)
{
	static const struct option	 longs[] = {
		{ "json", no_argument, NULL, 'j' }, { NULL, 0, NULL, 0 }
	};
	int				 c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) == 'j')
		m->json = true;
	if (c == -1 && argc - optind == 1)
		return argv[optind];
	(void)wrong_usage(usage);
	return NULL;
}

const char *
shown(const char *s)
{
	static char	 bufs[ROTATING][2048];
	static size_t	 at;
	char		*out = bufs[at++ % ROTATING];
	bool		 good = text_is_utf8(slice_str(s));
	size_t		 n;

	for (n = 0; s[n] != '\0' && n + 1 < sizeof(bufs[0]); n++)
		out[n] = s[n] == '\t' ? ' ' : text_is_control(s[n]) ||
		    (!good && (unsigned char)s[n] >= 0x80) ? '?' : s[n];
	/* Not half a character at the cut. */
	while (s[n] != '\0' && n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	out[n] = '\0';
	return out;
}

const char *
shown_size(unsigned long long octets)
{
	static const char	 unit[] = "BKMGTPE";
	static char		 bufs[ROTATING][24];
	static size_t		 at;
	char			*out = bufs[at++ % ROTATING];
	double			 v = (double)octets;
	size_t			 u = 0;

	while (v >= 1024 && unit[u + 1] != '\0') {
		v /= 1024;
		u++;
	}
	snprintf(out, sizeof(bufs[0]), u == 0 || v >= 100 ? "%.0f%c" :
	    "%.1f%c", v, unit[u]);
	return out;
}
