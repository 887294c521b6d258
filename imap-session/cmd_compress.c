/* COMPRESS=DEFLATE (RFC 4978). */
#include "imap-session/command.h"
#include "lib/net/stream_deflate.h"

enum command_end
cmd_compress(struct session *s, bool uid)
{
	(void)uid;
	if (!imap_lex_space(&s->lex))
		return COMMAND_LEX;
	if (!imap_lex_keyword(&s->lex, "DEFLATE")) {
		imap_lex_fail(&s->lex, "DEFLATE is the one way there is");
		return COMMAND_LEX;
	}
	if (!imap_lex_end(&s->lex))
		return COMMAND_LEX;
	if (s->deflate != NULL)
		return command_answer(s, COMMAND_NO,
		    "[COMPRESSIONACTIVE] That is so already");
	/* Would it be compressed or not?  RFC 4978 3 has the client wait. */
	if (stream_pending(&s->s).len > 0)
		return command_answer(s, COMMAND_BAD, "[CLIENTBUG] Nothing "
		    "may follow before the answer");
	stream_printf(&s->s, "%s OK Compressed from here on\r\n",
	    s->lex.tag);
	if (stream_flush(&s->s) == STREAM_OK)
		s->deflate = deflate_start(&s->s);
	if (s->deflate == NULL)
		s->end = SESSION_DROPPED;
	return COMMAND_SENT;
}
