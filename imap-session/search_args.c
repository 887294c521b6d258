/* Contract in search_args.h. */
#include <stdlib.h>
#include <string.h>

#include "imap-session/facts.h"
#include "imap-session/search_args.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/casemap.h"
#include "lib/store/letter.h"

#define DAY	86400

struct parser {
	struct imap_lex		*lex;
	struct search_args	*args;
	int64_t			 now;
	unsigned int		 depth, deepest;
};

static struct search_key	*read_key(struct parser *);

static struct search_key *
new_key(struct parser *p, enum search_kind kind)
{
	struct search_key	*k;

	if (p->args->nkeys == SEARCH_KEYS) {
		(void)imap_lex_refuse(p->lex, "[LIMIT] Too many search keys");
		return NULL;
	}
	k = xcalloc(1, sizeof(*k));
	k->kind = k->cost = kind;
	buf_init(&k->text, 4 * 18 * SEARCH_TEXT);
	k->all = p->args->all;
	p->args->all = k;
	p->args->nkeys++;
	return k;
}

/* --- what the simple keys mean ---------------------------------------------- */

enum form {
	FORM_PLAIN,
	FORM_RECENT,
	FORM_NEW,
	FORM_KEYWORD,
	FORM_NUMBER,
	FORM_BEFORE,
	FORM_ON,
	FORM_SINCE,
	FORM_OLDER,
	FORM_YOUNGER,
	FORM_TEXT,
	FORM_HEADER,
	FORM_MODSEQ,
	FORM_OBJECT,
	FORM_UID,
	FORM_NOT,
	FORM_OR
};

static const struct word {
	const char		*name;
	enum form		 form;
	enum search_kind	 kind;
	uint32_t		 a, b;		/* by form and kind */
} words[] = {
	{ "ALL", FORM_PLAIN, SEARCH_ALL, 0, 0 },
	{ "ANSWERED", FORM_PLAIN, SEARCH_FLAGS, LETTER_ANSWERED, 1 },
	{ "BCC", FORM_TEXT, SEARCH_FIELD, FACTS_BCC, 0 },
	{ "BEFORE", FORM_BEFORE, SEARCH_RECEIVED, DAY, 0 },
	{ "BODY", FORM_TEXT, SEARCH_BODY, 0, 0 },
	{ "CC", FORM_TEXT, SEARCH_FIELD, FACTS_CC, 0 },
	{ "DELETED", FORM_PLAIN, SEARCH_FLAGS, LETTER_DELETED, 1 },
	{ "DRAFT", FORM_PLAIN, SEARCH_FLAGS, LETTER_DRAFT, 1 },
	{ "EMAILID", FORM_OBJECT, SEARCH_EMAILID, 0, 0 },
	{ "FLAGGED", FORM_PLAIN, SEARCH_FLAGS, LETTER_FLAGGED, 1 },
	{ "FROM", FORM_TEXT, SEARCH_FIELD, FACTS_FROM, 0 },
	{ "HEADER", FORM_HEADER, SEARCH_HEADER, 0, 0 },
	{ "KEYWORD", FORM_KEYWORD, SEARCH_KEYWORD, 0, 1 },
	{ "LARGER", FORM_NUMBER, SEARCH_LARGER, 0, 0 },
	{ "MODSEQ", FORM_MODSEQ, SEARCH_MODSEQ, 0, 0 },
	{ "NEW", FORM_NEW, SEARCH_RECENT, 0, 0 },
	{ "NOT", FORM_NOT, SEARCH_NOT, 0, 0 },
	{ "OLD", FORM_RECENT, SEARCH_RECENT, 0, 0 },
	{ "OLDER", FORM_OLDER, SEARCH_RECEIVED, 0, 0 },
	{ "ON", FORM_ON, SEARCH_RECEIVED, DAY, 0 },
	{ "OR", FORM_OR, SEARCH_OR, 0, 0 },
	{ "RECENT", FORM_RECENT, SEARCH_RECENT, 0, 1 },
	{ "SAVEDATESUPPORTED", FORM_PLAIN, SEARCH_ALL, 0, 0 },
	{ "SAVEDBEFORE", FORM_BEFORE, SEARCH_SAVED, DAY, 0 },
	{ "SAVEDON", FORM_ON, SEARCH_SAVED, DAY, 0 },
	{ "SAVEDSINCE", FORM_SINCE, SEARCH_SAVED, DAY, 0 },
	{ "SEEN", FORM_PLAIN, SEARCH_FLAGS, LETTER_SEEN, 1 },
	{ "SENTBEFORE", FORM_BEFORE, SEARCH_SENT, 1, 0 },
	{ "SENTON", FORM_ON, SEARCH_SENT, 1, 0 },
	{ "SENTSINCE", FORM_SINCE, SEARCH_SENT, 1, 0 },
	{ "SINCE", FORM_SINCE, SEARCH_RECEIVED, DAY, 0 },
	{ "SMALLER", FORM_NUMBER, SEARCH_SMALLER, 0, 0 },
	{ "SUBJECT", FORM_TEXT, SEARCH_FIELD, FACTS_SUBJECT, 0 },
	{ "TEXT", FORM_TEXT, SEARCH_TEXT_KEY, 0, 0 },
	/* There are no threads that the server knows: RFC 8474 5.2, NIL. */
	{ "THREADID", FORM_OBJECT, SEARCH_FLAGS, 0, 1 },
	{ "TO", FORM_TEXT, SEARCH_FIELD, FACTS_TO, 0 },
	{ "UID", FORM_UID, SEARCH_UIDS, 0, 0 },
	{ "UNANSWERED", FORM_PLAIN, SEARCH_FLAGS, LETTER_ANSWERED, 0 },
	{ "UNDELETED", FORM_PLAIN, SEARCH_FLAGS, LETTER_DELETED, 0 },
	{ "UNDRAFT", FORM_PLAIN, SEARCH_FLAGS, LETTER_DRAFT, 0 },
	{ "UNFLAGGED", FORM_PLAIN, SEARCH_FLAGS, LETTER_FLAGGED, 0 },
	{ "UNKEYWORD", FORM_KEYWORD, SEARCH_KEYWORD, 0, 0 },
	{ "UNSEEN", FORM_PLAIN, SEARCH_FLAGS, LETTER_SEEN, 0 },
	{ "YOUNGER", FORM_YOUNGER, SEARCH_RECEIVED, 0, 0 },
};

static const struct word *
find_word(struct slice name)
{
	size_t	 i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (slice_is(name, words[i].name))
			return &words[i];
	return NULL;
}

static bool
read_date(struct parser *p, const struct word *w, struct search_key *k)
{
	int64_t	 day, unit = w->a;

	if (!imap_lex_space(p->lex) || !imap_lex_date(p->lex, &day))
		return false;
	k->from = w->form == FORM_BEFORE ? INT64_MIN : day * unit;
	k->to = w->form == FORM_BEFORE ? day * unit :
	    w->form == FORM_ON ? (day + 1) * unit : INT64_MAX;
	return true;
}

static bool
read_age(struct parser *p, bool older, struct search_key *k)
{
	uint32_t	 seconds;

	if (!imap_lex_space(p->lex) || !imap_lex_nz_number(p->lex, &seconds))
		return false;
	/* What is exactly so old is both (RFC 5032 3). */
	k->from = older ? INT64_MIN : p->now - seconds;
	k->to = older ? p->now - seconds + 1 : INT64_MAX;
	return true;
}

/* text of a key: as the kind compares it. */
static bool
read_text(struct parser *p, struct search_key *k)
{
	struct slice	 word;
	struct buf	 form;
	bool		 blank = false;
	int		 rc;

	if (!imap_lex_space(p->lex) || !imap_lex_astring(p->lex, &word))
		return false;
	if (word.len > SEARCH_TEXT)
		return imap_lex_refuse(p->lex,
		    "[LIMIT] The text to look for is too long");
	if (!text_is_utf8(word))
		return imap_lex_fail(p->lex,
		    "The text to look for is not UTF-8");
	if (k->kind != SEARCH_BODY && k->kind != SEARCH_TEXT_KEY) {
		rc = casemap(word, &k->text);
	} else {
		buf_init(&form, k->text.max);
		rc = casemap(word, &form);
		if (rc == 0)
			rc = search_squeeze(buf_slice(&form), &blank,
			    &k->text);
		buf_free(&form);
	}
	return rc == 0 ? true : imap_lex_refuse(p->lex,
	    "[LIMIT] The text to look for is too long");
}

/* Fields that are kept decoded; an empty text asks whether it is there. */
static void
header_is_field(struct search_key *k)
{
	static const struct {
		const char		*name;
		enum facts_search	 run;
	} known[] = {
		{ "From", FACTS_FROM }, { "To", FACTS_TO },
		{ "Cc", FACTS_CC }, { "Bcc", FACTS_BCC }
	};
	size_t	 i;

	for (i = 0; k->text.len > 0 && i < sizeof(known) / sizeof(known[0]);
	    i++) {
		if (slice_is(k->name, known[i].name)) {
			k->kind = k->cost = SEARCH_FIELD;
			k->number = known[i].run;
		}
	}
}

static bool
read_header(struct parser *p, struct search_key *k)
{
	if (!imap_lex_space(p->lex) || !imap_lex_astring(p->lex, &k->name) ||
	    !read_text(p, k))
		return false;
	header_is_field(k);
	return true;
}

/*
 * RFC 7162 3.1.5: an entry and its type are taken and make no difference, as
 * there is one modification sequence for a message.
 */
static bool
read_modseq(struct parser *p, struct search_key *k)
{
	struct slice	 entry;

	p->args->modseq = true;
	if (!imap_lex_space(p->lex))
		return false;
	if (imap_lex_peek(p->lex) == '"') {
		if (!imap_lex_string(p->lex, &entry) ||
		    !imap_lex_space(p->lex))
			return false;
		if (entry.len < 8 ||
		    strncasecmp(entry.ptr, "/flags/", 7) != 0)
			return imap_lex_fail(p->lex,
			    "MODSEQ has no such entry");
		if (!imap_lex_keyword(p->lex, "priv") &&
		    !imap_lex_keyword(p->lex, "shared") &&
		    !imap_lex_keyword(p->lex, "all"))
			return imap_lex_fail(p->lex,
			    "priv, shared or all expected");
		if (!imap_lex_space(p->lex))
			return false;
	}
	return imap_lex_number64(p->lex, &k->number);
}

/* RFC 8474 7: letters, digits, "_", "-" */
static bool
read_object(struct parser *p, struct search_key *k)
{
	size_t	 i;

	if (!imap_lex_space(p->lex) || !imap_lex_atom(p->lex, &k->name))
		return false;
	for (i = 0; i < k->name.len; i++)
		if (!text_is_alnum(k->name.ptr[i]) &&
		    k->name.ptr[i] != '_' && k->name.ptr[i] != '-')
			break;
	return i == k->name.len && i <= 255 ? true :
	    imap_lex_fail(p->lex, "Object identifier expected");
}

static bool
read_set(struct parser *p, struct search_key *k, bool uid)
{
	if (uid && !imap_lex_space(p->lex))
		return false;
	if (!imap_lex_set(p->lex, &k->name))
		return false;
	/* "$" stands for messages, not for their numbers. */
	k->uid = uid || k->name.ptr[0] == '$';
	if (!k->uid)
		p->args->sets = true;
	return true;
}

/* --- keys made of keys ------------------------------------------------------- */

static void
adopt(struct search_key *parent, struct search_key ***end,
    struct search_key *child)
{
	**end = child;
	*end = &child->next;
	if (child->cost > parent->cost || parent->child == child)
		parent->cost = child->cost;
}

/* A blank and a key, n times. */
static bool
read_children(struct parser *p, struct search_key *k, unsigned int n)
{
	struct search_key	**end = &k->child, *child;

	if (p->depth == p->deepest)
		return imap_lex_refuse(p->lex,
		    "[LIMIT] Search keys nest too deep");
	p->depth++;
	for (; n > 0; n--) {
		if (!imap_lex_space(p->lex) || (child = read_key(p)) == NULL)
			return false;
		adopt(k, &end, child);
	}
	p->depth--;
	return true;
}

/* Keys with blanks between. */
static bool
read_list(struct parser *p, struct search_key *k)
{
	struct search_key	**end = &k->child, *child;

	do {
		if ((child = read_key(p)) == NULL)
			return false;
		adopt(k, &end, child);
	} while (imap_lex_accept(p->lex, ' '));
	return p->lex->error == NULL;
}

static struct search_key *
read_parenthesis(struct parser *p)
{
	struct search_key	*k;

	if ((k = new_key(p, SEARCH_AND)) == NULL)
		return NULL;
	if (p->depth == p->deepest) {
		(void)imap_lex_refuse(p->lex,
		    "[LIMIT] Search keys nest too deep");
		return NULL;
	}
	p->depth++;
	if (!read_list(p, k) || !imap_lex_expect(p->lex, ')'))
		return NULL;
	p->depth--;
	return k;
}

/* RFC 3501 6.4.4: NEW is RECENT and UNSEEN. */
static bool
make_new(struct parser *p, struct search_key *k)
{
	struct search_key	**end = &k->child, *recent, *unseen;

	if ((recent = new_key(p, SEARCH_RECENT)) == NULL ||
	    (unseen = new_key(p, SEARCH_FLAGS)) == NULL)
		return false;
	k->kind = SEARCH_AND;
	recent->number = 1;
	unseen->mask = LETTER_SEEN;
	adopt(k, &end, recent);
	adopt(k, &end, unseen);
	return true;
}

static bool
read_arguments(struct parser *p, const struct word *w, struct search_key *k)
{
	switch (w->form) {
	case FORM_PLAIN:
		k->mask = w->a;
		k->want = w->b ? w->a : 0;
		return true;
	case FORM_RECENT:
		k->number = w->b;
		return true;
	case FORM_NEW:
		return make_new(p, k);
	case FORM_KEYWORD:
		k->want = w->b;
		return imap_lex_space(p->lex) &&
		    imap_lex_atom(p->lex, &k->name);
	case FORM_NUMBER:
		return imap_lex_space(p->lex) &&
		    imap_lex_number64(p->lex, &k->number);
	case FORM_BEFORE:
	case FORM_ON:
	case FORM_SINCE:
		return read_date(p, w, k);
	case FORM_OLDER:
	case FORM_YOUNGER:
		return read_age(p, w->form == FORM_OLDER, k);
	case FORM_TEXT:
		k->number = w->a;
		return read_text(p, k);
	case FORM_HEADER:
		return read_header(p, k);
	case FORM_MODSEQ:
		return read_modseq(p, k);
	case FORM_OBJECT:
		k->want = w->b;		/* THREADID: (flags & 0) == 1 */
		return read_object(p, k);
	case FORM_UID:
		return read_set(p, k, true);
	case FORM_NOT:
		return read_children(p, k, 1);
	case FORM_OR:
		return read_children(p, k, 2);
	}
	return false;
}

/* NULL: the lexer has an error. */
static struct search_key *
read_key(struct parser *p)
{
	const struct word	*w;
	struct search_key	*k;
	struct slice		 name;
	char			 c = imap_lex_peek(p->lex);

	if (imap_lex_accept(p->lex, '('))
		return read_parenthesis(p);
	if (text_is_digit(c) || c == '*' || c == '$') {
		k = new_key(p, SEARCH_UIDS);
		return k != NULL && read_set(p, k, false) ? k : NULL;
	}
	if (!imap_lex_atom(p->lex, &name))
		return NULL;
	if ((w = find_word(name)) == NULL) {
		(void)imap_lex_fail(p->lex, "There is no such search key");
		return NULL;
	}
	k = new_key(p, w->kind);
	return k != NULL && read_arguments(p, w, k) ? k : NULL;
}

/* --- the whole ---------------------------------------------------------------- */

bool
search_args_keys(struct imap_lex *lex, int64_t now, struct search_args *args)
{
	struct parser	 p = { .lex = lex, .args = args, .now = now };

	p.deepest = SEARCH_DEPTH;
	if (lex->limit.depth != 0 && lex->limit.depth < SEARCH_DEPTH)
		p.deepest = lex->limit.depth;
	if (!imap_lex_space(lex) ||
	    (args->key = new_key(&p, SEARCH_AND)) == NULL)
		return false;
	return read_list(&p, args->key) && imap_lex_end(lex);
}

void
search_args_free(struct search_args *args)
{
	struct search_key	*k;

	while ((k = args->all) != NULL) {
		args->all = k->all;
		buf_free(&k->text);
		number_set_free(&k->uids);
		free(k);
	}
	memset(args, 0, sizeof(*args));
}
