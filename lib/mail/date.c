/* Contract in date.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/text.h"
#include "lib/mail/date.h"
#include "lib/mail/lex.h"

/* Not strftime's and strptime's: those follow the locale. */
static const char *const	 days[] = {
	"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"
};
static const char *const	 months[] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
};

/* RFC 5322 4.3.  Military letters were used with both signs: no offset. */
static const struct {
	const char	*name;
	int		 hours;
} zones[] = {
	{ "UT", 0 }, { "GMT", 0 }, { "EST", -5 }, { "EDT", -4 },
	{ "CST", -6 }, { "CDT", -5 }, { "MST", -7 }, { "MDT", -6 },
	{ "PST", -8 }, { "PDT", -7 },
};

#define YEAR_MAX	9999
#define N(t)		(sizeof(t) / sizeof((t)[0]))

void
date_format(time_t t, char out[DATE_MAX])
{
	struct tm	 tm;
	long		 off;

	/* A year past int: nothing that a clock shows. */
	if (localtime_r(&t, &tm) == NULL || tm.tm_year > YEAR_MAX - 1900 ||
	    tm.tm_year < 0) {
		t = 0;
		gmtime_r(&t, &tm);
	}
	off = tm.tm_gmtoff / 60;
	snprintf(out, DATE_MAX, "%s, %02d %s %04d %02d:%02d:%02d %c%02ld%02ld",
	    days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    off < 0 ? '-' : '+', labs(off) / 60 % 100, labs(off) % 60);
}

struct scan {
	struct slice	 s;
	size_t		 pos;
	bool		 bad;
};

static void
skip(struct scan *sc)
{
	if (!lex_skip_cfws(sc->s, &sc->pos))
		sc->bad = true;
}

static char
peek(struct scan *sc)
{
	skip(sc);
	return sc->pos < sc->s.len ? sc->s.ptr[sc->pos] : '\0';
}

static void
expect(struct scan *sc, char c)
{
	if (peek(sc) == c)
		sc->pos++;
	else
		sc->bad = true;
}

static struct slice
letters(struct scan *sc)
{
	struct slice	 s;

	skip(sc);
	s.ptr = sc->s.ptr + sc->pos;
	s.len = 0;
	while (sc->pos < sc->s.len && text_is_alpha(sc->s.ptr[sc->pos])) {
		sc->pos++;
		s.len++;
	}
	return s;
}

/* A name's index in the table. */
static int
name(struct scan *sc, const char *const *table, size_t n)
{
	struct slice	 s = letters(sc);
	size_t		 i;

	for (i = 0; i < n; i++)
		if (slice_is(s, table[i]))
			return (int)i;
	sc->bad = true;
	return 0;
}

/* A number of min to max digits; *count of them. */
static int
number(struct scan *sc, size_t min, size_t max, size_t *count)
{
	struct slice	 s;
	uint64_t	 v = 0;

	skip(sc);
	s.ptr = sc->s.ptr + sc->pos;
	s.len = 0;
	while (sc->pos < sc->s.len && text_is_digit(sc->s.ptr[sc->pos])) {
		sc->pos++;
		s.len++;
	}
	if (s.len < min || s.len > max || text_u64(s, 99999, &v) == -1)
		sc->bad = true;
	if (count != NULL)
		*count = s.len;
	return (int)v;
}

static int
year(struct scan *sc)
{
	size_t	 count;
	int	 y = number(sc, 2, 5, &count);

	/* RFC 5322 4.3 obs-year */
	if (count == 2)
		y += y < 50 ? 2000 : 1900;
	else if (count == 3)
		y += 1900;
	if (y < 1900 || y > YEAR_MAX)
		sc->bad = true;
	return y;
}

/* Seconds east of Greenwich. */
static long
zone(struct scan *sc)
{
	struct slice	 s;
	size_t		 i;
	char		 sign = peek(sc);
	long		 v;

	if (sign == '+' || sign == '-') {
		sc->pos++;
		if (sc->pos == sc->s.len ||
		    !text_is_digit(sc->s.ptr[sc->pos]))
			sc->bad = true;
		v = number(sc, 4, 4, NULL);
		if (v % 100 > 59)
			sc->bad = true;
		v = v / 100 * 3600 + v % 100 * 60;
		return sign == '-' ? -v : v;
	}
	s = letters(sc);
	if (s.len == 0)
		sc->bad = true;
	for (i = 0; i < N(zones); i++)
		if (slice_is(s, zones[i].name))
			return zones[i].hours * 3600L;
	return 0;
}

static int
month_days(int month, int y)
{
	static const int	 len[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};

	if (month == 1 && y % 4 == 0 && (y % 100 != 0 || y % 400 == 0))
		return 29;
	return len[month];
}

static void
time_of_day(struct scan *sc, struct tm *tm)
{
	tm->tm_hour = number(sc, 1, 2, NULL);
	expect(sc, ':');
	tm->tm_min = number(sc, 2, 2, NULL);
	if (peek(sc) == ':') {
		sc->pos++;
		tm->tm_sec = number(sc, 2, 2, NULL);
	}
	/* 60 is a leap second. */
	if (tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 60)
		sc->bad = true;
}

int
date_parse_zone(struct slice s, time_t *out, long *east)
{
	struct scan	 sc = { s, 0, false };
	struct tm	 tm = { 0 };
	long		 off;

	if (text_is_alpha(peek(&sc))) {
		/* Which day it really was follows from the date. */
		(void)name(&sc, days, N(days));
		expect(&sc, ',');
	}
	tm.tm_mday = number(&sc, 1, 2, NULL);
	tm.tm_mon = name(&sc, months, N(months));
	tm.tm_year = year(&sc) - 1900;
	if (!sc.bad && (tm.tm_mday < 1 ||
	    tm.tm_mday > month_days(tm.tm_mon, tm.tm_year + 1900)))
		sc.bad = true;
	time_of_day(&sc, &tm);
	off = zone(&sc);
	skip(&sc);
	if (sc.bad || sc.pos != s.len) {
		errno = EINVAL;
		return -1;
	}
	*out = timegm(&tm) - off;
	*east = off;
	return 0;
}

int
date_parse(struct slice s, time_t *out)
{
	long	 east;

	return date_parse_zone(s, out, &east);
}
