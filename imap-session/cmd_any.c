/*
 * Commands for any state (RFC 9051 6.1), ID (RFC 2971) and ENABLE (RFC 5161,
 * RFC 9051 6.3.1).
 */
#include "imap-session/capability.h"
#include "imap-session/command.h"
#include "lib/base/log.h"

enum command_end
cmd_capability(struct session *s, bool uid)
{
	(void)uid;
	if (!imap_lex_end(&s->lex))
		return COMMAND_LEX;
	stream_printf(&s->s, "* ");
	capability_put(s);
	stream_printf(&s->s, "\r\n");
	return COMMAND_OK;
}

enum command_end
cmd_noop(struct session *s, bool uid)
{
	(void)uid;
	if (!imap_lex_end(&s->lex))
		return COMMAND_LEX;
	s->view.closely = true;
	return COMMAND_OK;
}

enum command_end
cmd_logout(struct session *s, bool uid)
{
	(void)uid;
	if (!imap_lex_end(&s->lex))
		return COMMAND_LEX;
	stream_printf(&s->s, "* BYE Logging out\r\n");
	s->end = SESSION_LOGOUT;
	return COMMAND_OK;
}

enum command_end
cmd_id(struct session *s, bool uid)
{
	struct slice	 name = { "", 0 }, version = { "", 0 };

	(void)uid;
	if (!imap_lex_space(&s->lex) || !imap_lex_id(&s->lex, &name,
	    &version) || !imap_lex_end(&s->lex))
		return COMMAND_LEX;
	if (name.len > 0)
		log_info("event=imap-client user=%s name=%s version=%s",
		    log_esc(s->who->user), log_esc_slice(name),
		    log_esc_slice(version));
	stream_printf(&s->s, "* ID (\"name\" \"Merpati\" \"version\" \"%s\")"
	    "\r\n", MERPATI_VERSION);
	return COMMAND_OK;
}

static const struct {
	const char	*name;
	unsigned int	 bits;
} extensions[] = {
	{ "CONDSTORE", ENABLED_CONDSTORE },
	{ "IMAP4rev2", ENABLED_REV2 },
	{ "QRESYNC", ENABLED_QRESYNC | ENABLED_CONDSTORE },
	{ "UIDONLY", ENABLED_UIDONLY },
	{ "UTF8=ACCEPT", ENABLED_UTF8 },
};

#define EXTENSIONS	(sizeof(extensions) / sizeof(extensions[0]))

/* What is not known, or cannot be enabled, is passed over. */
static bool
enable_names(struct session *s, bool *asked)
{
	struct slice	 word;
	size_t		 i;

	do {
		if (!imap_lex_space(&s->lex) ||
		    !imap_lex_atom(&s->lex, &word))
			return false;
		for (i = 0; i < EXTENSIONS; i++)
			if (slice_is(word, extensions[i].name))
				asked[i] = true;
	} while (!imap_lex_at_end(&s->lex));
	return imap_lex_end(&s->lex);
}

enum command_end
cmd_enable(struct session *s, bool uid)
{
	bool	 asked[EXTENSIONS] = { false };
	size_t	 i;

	(void)uid;
	if (!enable_names(s, asked))
		return COMMAND_LEX;
	stream_printf(&s->s, "* ENABLED");
	for (i = 0; i < EXTENSIONS; i++)
		if (asked[i]) {
			s->enabled |= extensions[i].bits;
			stream_printf(&s->s, " %s", extensions[i].name);
		}
	stream_printf(&s->s, "\r\n");
	s->lex.utf8 = session_utf8(s);
	return COMMAND_OK;
}
