/* Contract in search_command.h. */
#include <errno.h>

#include "imap-session/search_command.h"

#define BATCH	256

static bool
progress(void *arg, uint32_t done, uint32_t goal)
{
	struct session	*s = arg;

	session_progress(s, done, goal);
	return !s->s.dead;
}

void
search_context_of(struct session *s, struct search_context *ctx)
{
	ctx->folder = s->view.folder;
	ctx->homefd = s->account.homefd;
	ctx->validity = s->view.state.validity;
	ctx->recent = s->view.recent;
	ctx->progress = progress;
	ctx->arg = s;
}

enum command_end
search_perform(struct session *s, const char *what, struct search_args *args,
    struct number_set *uids)
{
	struct search_context	 ctx;
	const char		*why = NULL;

	/* RFC 9586 3.1 */
	if (args->sets && (s->enabled & ENABLED_UIDONLY))
		return command_answer(s, COMMAND_BAD,
		    "[UIDREQUIRED] Message numbers are not used here");
	if (search_resolve(args, &s->view, &s->account, &why) == -1)
		return command_answer(s, COMMAND_BAD, "%s", why);
	if (args->modseq)
		session_condstore(s);
	search_context_of(s, &ctx);
	if (search_run(&ctx, args, &s->view.uids, uids) == 0)
		return COMMAND_OK;
	if (errno == ECANCELED)
		return command_answer(s, COMMAND_NO, "Nobody waits for it");
	return command_failed(s, what);
}

uint64_t
search_modseq(struct session *s, const struct number_set *uids)
{
	struct letter	 l[BATCH];
	uint64_t	 highest = 0;
	uint32_t	 from = 1;
	ssize_t		 i, n;

	while (from != 0 && (n = folder_letters_of(s->view.folder, uids,
	    &from, l, BATCH)) > 0)
		for (i = 0; i < n; i++)
			if (l[i].modseq > highest)
				highest = l[i].modseq;
	return highest;
}
