/* Contract in search_args.h.  Here: RETURN and CHARSET. */
#include "imap-session/search_args.h"

/* nz-number, "-" in front of both or of none (RFC 9394 4). */
static bool
read_range(struct imap_lex *lex, struct search_args *args)
{
	const char	*start = lex->p;
	uint32_t	 swap;

	args->back = imap_lex_accept(lex, '-');
	if (!imap_lex_nz_number(lex, &args->first) ||
	    !imap_lex_expect(lex, ':'))
		return false;
	if (args->back != imap_lex_accept(lex, '-'))
		return imap_lex_fail(lex, "A range has both ends from the "
		    "front or both from the back");
	if (!imap_lex_nz_number(lex, &args->last))
		return false;
	args->range = (struct slice){ start, (size_t)(lex->p - start) };
	if (args->first > args->last) {
		swap = args->first;
		args->first = args->last;
		args->last = swap;
	}
	return true;
}

static bool
read_option(struct imap_lex *lex, struct search_args *args)
{
	static const struct {
		const char	*name;
		unsigned int	 bit;
	} options[] = {
		{ "MIN", SEARCH_MIN }, { "MAX", SEARCH_MAX },
		{ "ALL", SEARCH_RETURN_ALL }, { "COUNT", SEARCH_COUNT },
		{ "SAVE", SEARCH_SAVE },
	};
	size_t	 i;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (imap_lex_keyword(lex, options[i].name)) {
			args->returns |= options[i].bit;
			return true;
		}
	}
	if (!imap_lex_keyword(lex, "PARTIAL"))
		return imap_lex_fail(lex, "There is no such return option");
	if (args->returns & SEARCH_PARTIAL)
		return imap_lex_fail(lex, "Only one PARTIAL is possible");
	args->returns |= SEARCH_PARTIAL;
	return imap_lex_space(lex) && read_range(lex, args);
}

bool
search_args_return(struct imap_lex *lex, struct search_args *args)
{
	const unsigned int	 both = SEARCH_PARTIAL | SEARCH_RETURN_ALL;
	char			*before = lex->p;

	if (!imap_lex_accept(lex, ' ') || !imap_lex_keyword(lex, "RETURN")) {
		lex->p = before;
		return lex->error == NULL;
	}
	args->extended = true;
	if (!imap_lex_space(lex) || !imap_lex_expect(lex, '('))
		return false;
	if (!imap_lex_accept(lex, ')')) {
		do {
			if (!read_option(lex, args))
				return false;
		} while (imap_lex_accept(lex, ' '));
		if (!imap_lex_expect(lex, ')'))
			return false;
	}
	if (args->returns == 0)
		args->returns = SEARCH_RETURN_ALL;
	/* RFC 9394 3.1 */
	return (args->returns & both) != both ? true :
	    imap_lex_fail(lex, "PARTIAL and ALL exclude each other");
}

static bool
read_charset(struct imap_lex *lex)
{
	struct slice	 name;

	if (!imap_lex_space(lex) || !imap_lex_astring(lex, &name))
		return false;
	return slice_is(name, "UTF-8") || slice_is(name, "US-ASCII") ? true :
	    imap_lex_refuse(lex, "[BADCHARSET (US-ASCII UTF-8)] "
	    "Texts to look for are US-ASCII or UTF-8");
}

bool
search_args_charset(struct imap_lex *lex, bool utf8)
{
	char		*before = lex->p;

	if (!imap_lex_accept(lex, ' ') || !imap_lex_keyword(lex, "CHARSET")) {
		lex->p = before;
		return lex->error == NULL;
	}
	if (utf8)
		return imap_lex_fail(lex,
		    "No CHARSET after ENABLE UTF8=ACCEPT");
	return read_charset(lex);
}

bool
search_args_charset_name(struct imap_lex *lex)
{
	return read_charset(lex);
}
