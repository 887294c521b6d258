/* Contract in pop3.h. */
#include "lib/base/text.h"
#include "lib/net/pop3.h"

static const struct {
	const char	*name;
	enum pop3_verb	 verb;
} pop3_verbs[] = {
	{ "RETR", POP3_RETR },
	{ "DELE", POP3_DELE },
	{ "UIDL", POP3_UIDL },
	{ "LIST", POP3_LIST },
	{ "STAT", POP3_STAT },
	{ "TOP", POP3_TOP },
	{ "QUIT", POP3_QUIT },
	{ "NOOP", POP3_NOOP },
	{ "RSET", POP3_RSET },
	{ "CAPA", POP3_CAPA },
	{ "USER", POP3_USER },
	{ "PASS", POP3_PASS },
	{ "AUTH", POP3_AUTH },
	{ "APOP", POP3_APOP },
	{ "STLS", POP3_STLS },
	{ "UTF8", POP3_UTF8 },
};

void
pop3_parse(struct slice line, struct pop3_command *cmd)
{
	const char	*blank;
	struct slice	 name = line;
	size_t		 i;

	cmd->verb = POP3_UNKNOWN;
	cmd->has_args = false;
	cmd->args = (struct slice){ "", 0 };
	if (line.len > 0 && (blank = memchr(line.ptr, ' ', line.len)) != NULL) {
		name.len = (size_t)(blank - line.ptr);
		cmd->has_args = true;
		cmd->args.ptr = blank + 1;
		cmd->args.len = line.len - name.len - 1;
	}
	for (i = 0; i < sizeof(pop3_verbs) / sizeof(pop3_verbs[0]); i++)
		if (slice_is(name, pop3_verbs[i].name))
			cmd->verb = pop3_verbs[i].verb;
}

int
pop3_numbers(const struct pop3_command *cmd, uint32_t *out, int max)
{
	struct slice	 rest = text_trim(cmd->args), word;
	uint64_t	 v;
	const char	*blank;
	int		 n;

	for (n = 0; rest.len > 0; n++) {
		word = rest;
		if ((blank = memchr(rest.ptr, ' ', rest.len)) != NULL)
			word.len = (size_t)(blank - rest.ptr);
		if (n == max || text_u64(word, UINT32_MAX, &v) == -1)
			return -1;
		out[n] = (uint32_t)v;
		rest.ptr += word.len;
		rest.len -= word.len;
		rest = text_trim(rest);
	}
	return n;
}

int
pop3_capabilities(const struct config *conf, const struct pop3_offer *offer,
    struct buf *out)
{
	int	 r = 0;

	if (offer != NULL && offer->stls)
		r |= buf_addstr(out, "STLS\r\n");
	if (offer != NULL && offer->user)
		r |= buf_addstr(out, "USER\r\n");
	if (offer != NULL && offer->sasl[0] != '\0')
		r |= buf_addf(out, "SASL %s\r\n", offer->sasl);
	r |= buf_addstr(out, "TOP\r\nUIDL\r\nRESP-CODES\r\n"
	    "AUTH-RESP-CODE\r\nPIPELINING\r\nUTF8 USER\r\n");
	if (conf->pop3d.expire < 0)
		r |= buf_addstr(out, "EXPIRE NEVER\r\n");
	else
		r |= buf_addf(out, "EXPIRE %d\r\n", conf->pop3d.expire);
	if (conf->pop3d.login_delay > 0)
		r |= buf_addf(out, "LOGIN-DELAY %u\r\n",
		    conf->pop3d.login_delay);
	r |= buf_addstr(out, "IMPLEMENTATION Merpati\r\n.\r\n");
	return r;
}
