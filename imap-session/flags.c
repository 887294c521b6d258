/* Flags in commands and in FLAGS responses.  Contract in command.h, view.h. */
#include <errno.h>
#include <string.h>

#include "imap-session/command.h"

#define FLAG_MAX	100	/* octets of a keyword */

static const struct {
	const char	*name;
	uint32_t	 flag;
} flags_known[] = {
	{ "\\Answered", LETTER_ANSWERED },
	{ "\\Flagged", LETTER_FLAGGED },
	{ "\\Deleted", LETTER_DELETED },
	{ "\\Seen", LETTER_SEEN },
	{ "\\Draft", LETTER_DRAFT },
	{ "$Forwarded", LETTER_PASSED },
};

static bool
flags_keyword(struct session *s, struct slice word, bool create,
    uint32_t *keywords)
{
	int	 bit;

	if (word.len > FLAG_MAX)
		return imap_lex_refuse(&s->lex,
		    "[LIMIT] A keyword is too long");
	if ((bit = account_keyword(&s->account, word, create)) != -1) {
		*keywords |= 1u << bit;
		return true;
	}
	if (errno == ENOENT)
		return true;		/* no message has it */
	if (errno == ENOSPC)
		return imap_lex_refuse(&s->lex, "[LIMIT] There cannot be "
		    "more than 26 different keywords");
	if (errno == EROFS || errno == EACCES)
		return imap_lex_refuse(&s->lex,
		    "[NOPERM] New keywords cannot be kept");
	return imap_lex_refuse(&s->lex,
	    "[LIMIT] New keywords cannot be kept now");
}

static bool
flags_word(struct session *s, bool create, uint32_t *flags,
    uint32_t *keywords)
{
	struct slice	 word;
	size_t		 i;

	if (!imap_lex_flag(&s->lex, &word))
		return false;
	for (i = 0; i < sizeof(flags_known) / sizeof(flags_known[0]); i++)
		if (slice_is(word, flags_known[i].name)) {
			*flags |= flags_known[i].flag;
			return true;
		}
	if (slice_is(word, "\\Recent"))
		return imap_lex_fail(&s->lex, "Nobody can set \\Recent");
	if (word.ptr[0] == '\\')
		return imap_lex_fail(&s->lex, "There is no such system flag");
	return flags_keyword(s, word, create, keywords);
}

bool
command_flags(struct session *s, bool bare, bool create, uint32_t *flags,
    uint32_t *keywords)
{
	bool	 list;

	*flags = *keywords = 0;
	list = imap_lex_accept(&s->lex, '(');
	if (!list && !bare)
		return imap_lex_expect(&s->lex, '(');
	if (list && imap_lex_accept(&s->lex, ')'))
		return true;
	do {
		if (!flags_word(s, create, flags, keywords))
			return false;
	} while (imap_lex_accept(&s->lex, ' '));
	return !list || imap_lex_expect(&s->lex, ')');
}

static void
flags_list(struct session *s, uint32_t keywords, const char *last)
{
	const char	*name;
	unsigned int	 i;

	stream_printf(&s->s,
	    "(\\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded");
	for (i = 0; i < ACCOUNT_KEYWORDS; i++)
		if ((keywords & 1u << i) && (name =
		    account_keyword_name(&s->account, i)) != NULL)
			stream_printf(&s->s, " %s", name);
	stream_printf(&s->s, "%s)", last);
}

/* Is there a letter for one keyword more? */
static bool
flags_room(struct session *s)
{
	unsigned int	 i;

	for (i = 0; i < ACCOUNT_KEYWORDS; i++)
		if (account_keyword_name(&s->account, i) == NULL)
			return true;
	return false;
}

void
view_flags(struct session *s, bool always)
{
	struct view	*v = &s->view;
	uint32_t	 keywords = v->told_keywords | v->state.keywords;

	if (!always && keywords == v->told_keywords)
		return;
	v->told_keywords = keywords;
	s->put.valid = false;
	stream_printf(&s->s, "* FLAGS ");
	flags_list(s, keywords, "");
	stream_printf(&s->s, "\r\n* OK [PERMANENTFLAGS ");
	if (v->read_only)
		stream_printf(&s->s, "()] Nothing can be changed\r\n");
	else {
		flags_list(s, keywords, flags_room(s) ? " \\*" : "");
		stream_printf(&s->s, "] These are kept\r\n");
	}
}
