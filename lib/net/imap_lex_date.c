/* Contract in imap_lex.h.  Here: dates (RFC 9051 9, date and date-time). */
#include <string.h>

#include "lib/base/text.h"
#include "lib/net/imap_lex.h"

static const char	 bad_date[] = "Date expected";

static bool
date_digits(struct imap_lex *l, unsigned int n, int *out)
{
	*out = 0;
	if (l->error != NULL)
		return false;
	for (; n > 0; n--, l->p++) {
		if (l->p == l->end || !text_is_digit(*l->p))
			return imap_lex_fail(l, bad_date);
		*out = *out * 10 + (*l->p - '0');
	}
	return true;
}

static bool
date_octet(struct imap_lex *l, char c)
{
	return imap_lex_accept(l, c) ? true : imap_lex_fail(l, bad_date);
}

/* 1 to 12 */
static bool
date_month(struct imap_lex *l, int *out)
{
	static const char	 names[] =
	    "JanFebMarAprMayJunJulAugSepOctNovDec";
	size_t			 i;

	*out = 1;
	if (l->error != NULL)
		return false;
	for (i = 0; l->end - l->p >= 3 && i < 12; i++) {
		if (strncasecmp(l->p, names + 3 * i, 3) != 0)
			continue;
		l->p += 3;
		*out = (int)i + 1;
		return true;
	}
	return imap_lex_fail(l, bad_date);
}

static bool
date_leap(int y)
{
	return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

/* Days since 1970-01-01 in the Gregorian calendar, years from 0 on. */
static bool
date_days(struct imap_lex *l, int day, int month, int y, int64_t *out)
{
	static const int	 before[] = {
		0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365
	};
	int			 len = before[month] - before[month - 1];
	int64_t			 past = y - 1;

	if (month == 2 && date_leap(y))
		len++;
	if (day < 1 || day > len)
		return imap_lex_fail(l, "There is no such day");
	/* Of year 0, itself a leap year, "past" is -1: floors, not casts. */
	*out = y * 365 + (y == 0 ? 0 : past / 4 - past / 100 + past / 400 +
	    1) - 719528;
	*out += before[month - 1] + day - 1;
	if (month > 2 && date_leap(y))
		(*out)++;
	return true;
}

/* "-Nov-2026" */
static bool
date_rest(struct imap_lex *l, int day, int64_t *out)
{
	int	 month, y;

	return date_octet(l, '-') && date_month(l, &month) &&
	    date_octet(l, '-') && date_digits(l, 4, &y) &&
	    date_days(l, day, month, y, out);
}

bool
imap_lex_date(struct imap_lex *l, int64_t *out)
{
	bool	 quoted = imap_lex_accept(l, '"');
	int	 day, more;

	if (!date_digits(l, 1, &day))
		return false;
	if (text_is_digit(imap_lex_peek(l))) {
		(void)date_digits(l, 1, &more);
		day = day * 10 + more;
	}
	if (!date_rest(l, day, out))
		return false;
	return quoted ? date_octet(l, '"') : true;
}

/* Seconds east of Greenwich. */
static bool
date_zone(struct imap_lex *l, int *out)
{
	bool	 west = imap_lex_accept(l, '-');
	int	 hours, minutes;

	*out = 0;
	if ((!west && !date_octet(l, '+')) || !date_digits(l, 2, &hours) ||
	    !date_digits(l, 2, &minutes))
		return false;
	if (minutes > 59)
		return imap_lex_fail(l, "Wrong time zone");
	*out = (hours * 60 + minutes) * (west ? -60 : 60);
	return true;
}

static bool
date_time_of_day(struct imap_lex *l, int *out)
{
	int	 h, m, s;

	*out = 0;
	if (!date_digits(l, 2, &h) || !date_octet(l, ':') ||
	    !date_digits(l, 2, &m) || !date_octet(l, ':') ||
	    !date_digits(l, 2, &s))
		return false;
	/* 60 is a leap second. */
	if (h > 23 || m > 59 || s > 60)
		return imap_lex_fail(l, "There is no such time");
	*out = (h * 60 + m) * 60 + s;
	return true;
}

bool
imap_lex_date_time(struct imap_lex *l, int64_t *out)
{
	int64_t	 days;
	int	 day, seconds, zone;
	bool	 one;

	if (!date_octet(l, '"'))
		return false;
	one = imap_lex_accept(l, ' ');
	if (!date_digits(l, one ? 1 : 2, &day) || !date_rest(l, day, &days) ||
	    !date_octet(l, ' ') || !date_time_of_day(l, &seconds) ||
	    !date_octet(l, ' ') || !date_zone(l, &zone) ||
	    !date_octet(l, '"'))
		return false;
	*out = days * 86400 + seconds - zone;
	return true;
}
