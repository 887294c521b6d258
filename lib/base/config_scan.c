/* Contract in config_scan.h. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/config_keys.h"
#include "lib/base/config_scan.h"
#include "lib/base/config_sections.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"

#define DEPTH_MAX	8
#define WORD_MAX	64

enum token { TOK_END, TOK_WORD, TOK_STRING, TOK_OPEN, TOK_CLOSE, TOK_SET,
	TOK_COMMA, TOK_BROKEN };

struct scan {
	const char	*file;
	const char	*text, *p;
	int		 line;
	struct buf	*err;
	char		 word[WORD_MAX];	/* of TOK_WORD, cut */
	char		 section[DEPTH_MAX][WORD_MAX];
	int		 opened[DEPTH_MAX];	/* line of the brace */
	size_t		 at[DEPTH_MAX];		/* its offset: tells two
						 * listen blocks apart */
	int		 depth;
	/* Keys seen, "DEPTH-PATH/KEY", as one growing string. */
	struct buf	 seen;
};

static void
scan_error(struct scan *s, int line, const char *what, const char *word)
{
	buf_addf(s->err, "%s:%d: %s", s->file, line, what);
	if (word != NULL)
		buf_addf(s->err, ": %s", word);
	buf_addc(s->err, '\n');
}

/* Skip blanks and comments; false when a comment does not end. */
static bool
scan_blank(struct scan *s)
{
	int	 began;

	for (;;) {
		if (*s->p == '\n')
			s->line++;
		if (*s->p == ' ' || *s->p == '\t' || *s->p == '\r' ||
		    *s->p == '\n') {
			s->p++;
		} else if (*s->p == '#' || (s->p[0] == '/' &&
		    s->p[1] == '/')) {
			s->p += strcspn(s->p, "\n");
		} else if (s->p[0] == '/' && s->p[1] == '*') {
			began = s->line;
			for (s->p += 2; *s->p != '\0' && (s->p[0] != '*' ||
			    s->p[1] != '/'); s->p++)
				if (*s->p == '\n')
					s->line++;
			if (*s->p == '\0') {
				scan_error(s, began, "comment does not end",
				    NULL);
				return false;
			}
			s->p += 2;
		} else
			return true;
	}
}

static enum token
scan_string(struct scan *s)
{
	char	 quote = *s->p++;
	int	 began = s->line;

	for (; *s->p != '\0' && *s->p != quote; s->p++) {
		if (*s->p == '\n')
			s->line++;
		if (s->p[0] == '\\' && s->p[1] != '\0')
			s->p++;
		else if (s->p[0] == '$' && s->p[1] == '{') {
			scan_error(s, s->line, "${...} is not expanded here; "
			    "write the value itself", NULL);
			s->p++;
		}
	}
	if (*s->p == '\0') {
		scan_error(s, began, "string does not end", NULL);
		return TOK_BROKEN;
	}
	s->p++;
	return TOK_STRING;
}

static enum token
scan_token(struct scan *s)
{
	size_t	 n;

	if (!scan_blank(s))
		return TOK_BROKEN;
	switch (*s->p) {
	case '\0':
		return TOK_END;
	case '{':
		s->p++;
		return TOK_OPEN;
	case '}':
		s->p++;
		return TOK_CLOSE;
	case '=':
		s->p++;
		return TOK_SET;
	case ',':
		s->p++;
		return TOK_COMMA;
	case '"':
	case '\'':
		return scan_string(s);
	}
	n = strcspn(s->p, " \t\r\n{}=,\"'#");
	if (n > 0 && s->p[n - 1] == '$' && s->p[n] == '{') {
		scan_error(s, s->line, "${...} is not expanded here; write "
		    "the value itself", NULL);
		return TOK_BROKEN;
	}
	if (n == 0)
		n = 1;
	strncpy(s->word, s->p, WORD_MAX - 1);
	s->word[n < WORD_MAX - 1 ? n : WORD_MAX - 1] = '\0';
	s->p += n;
	return TOK_WORD;
}

/* Edits between two words, for "did you mean". */
static size_t
scan_distance(const char *a, const char *b)
{
	size_t	 row[WORD_MAX + 1], i, j, diag, up, best;
	size_t	 lb = strlen(b);

	if (lb > WORD_MAX)
		return SIZE_MAX;
	for (j = 0; j <= lb; j++)
		row[j] = j;
	for (i = 1; a[i - 1] != '\0'; i++) {
		diag = row[0];
		row[0] = i;
		for (j = 1; j <= lb; j++) {
			up = row[j];
			best = diag + (a[i - 1] != b[j - 1]);
			if (up + 1 < best)
				best = up + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			diag = up;
		}
	}
	return row[lb];
}

/* name, if no other was nearer. */
static void
scan_near(const struct scan *s, const char *name, const char **near,
    size_t *best)
{
	size_t	 d = scan_distance(s->word, name);

	if (d < *best) {
		*best = d;
		*near = name;
	}
}

static void
scan_unknown(struct scan *s, const char *in)
{
	const char	*near = NULL;
	size_t		 i, best = SIZE_MAX;

	for (i = 0; i < config_nkeys; i++)
		if (strcmp(config_keys[i].section, in) == 0)
			scan_near(s, config_keys[i].name, &near, &best);
	for (i = 0; i < config_nsections; i++)
		if (strcmp(config_sections[i].in, in) == 0)
			scan_near(s, config_sections[i].name, &near, &best);
	buf_addf(s->err, "%s:%d: unknown key \"%s\"%s%s", s->file, s->line,
	    s->word, *in == '\0' ? "" : " in ", in);
	if (near != NULL)
		buf_addf(s->err, "; the nearest is \"%s\"", near);
	buf_addc(s->err, '\n');
}

/* Note the key of the section we stand in; complain at the second time. */
static void
scan_once(struct scan *s)
{
	char	 mark[2 * WORD_MAX + 32];
	int	 n;

	n = snprintf(mark, sizeof(mark), "\n%zu:%s\n",
	    s->depth > 0 ? s->at[s->depth - 1] : 0, s->word);
	if (n > 0 && strstr(buf_cstr(&s->seen), mark) != NULL)
		scan_error(s, s->line, "set twice", s->word);
	buf_addstr(&s->seen, mark);
}

static enum token
scan_value(struct scan *s)
{
	enum token	 t = scan_token(s);
	int		 began = s->line;

	if (t == TOK_WORD || t == TOK_STRING)
		return t;
	if (t != TOK_OPEN) {
		if (t != TOK_BROKEN)
			scan_error(s, s->line, "a value must follow \"=\"",
			    NULL);
		return TOK_BROKEN;
	}
	while ((t = scan_token(s)) == TOK_WORD || t == TOK_STRING ||
	    t == TOK_COMMA)
		;
	if (t != TOK_CLOSE && t != TOK_BROKEN)
		scan_error(s, began, "list does not end with \"}\"", NULL);
	return t == TOK_CLOSE ? t : TOK_BROKEN;
}

/* KEY = VALUE or KEY ["TITLE"] {.  TOK_BROKEN ends the scan. */
static enum token
scan_item(struct scan *s)
{
	const struct config_section	*section;
	const char	*in = s->depth > 0 ? s->section[s->depth - 1] : "";
	enum token	 t;
	char		 key[WORD_MAX];

	strcpy(key, s->word);
	section = config_section_find(in, key);
	if (section == NULL && config_key_find(in, key) == NULL)
		scan_unknown(s, in);
	else if (section == NULL || section->size == 0)
		scan_once(s);
	t = scan_token(s);
	if (t == TOK_SET)
		return scan_value(s);
	if (t == TOK_STRING)
		t = scan_token(s);
	if (t != TOK_OPEN) {
		if (t != TOK_BROKEN)
			scan_error(s, s->line, "\"=\" or \"{\" must follow",
			    key);
		return TOK_BROKEN;
	}
	if (s->depth == DEPTH_MAX) {
		scan_error(s, s->line, "nested too deeply", key);
		return TOK_BROKEN;
	}
	strcpy(s->section[s->depth], key);
	s->at[s->depth] = (size_t)(s->p - s->text);
	s->opened[s->depth++] = s->line;
	return TOK_OPEN;
}

int
config_scan(const char *file, const char *text, struct buf *err)
{
	struct scan	 s = { .file = file, .text = text,
	    .p = text, .line = 1, .err = err };
	enum token	 t;
	size_t		 before = err->len;

	buf_init(&s.seen, 1024 * 1024);
	do {
		t = scan_token(&s);
		if (t == TOK_WORD)
			t = scan_item(&s);
		else if (t == TOK_CLOSE && s.depth == 0)
			scan_error(&s, s.line, "\"}\" without \"{\"", NULL);
		else if (t == TOK_CLOSE)
			s.depth--;
		else if (t != TOK_END && t != TOK_BROKEN) {
			scan_error(&s, s.line, "a key is expected here", NULL);
			t = TOK_BROKEN;
		}
	} while (t != TOK_END && t != TOK_BROKEN);
	if (t == TOK_END && s.depth > 0)
		scan_error(&s, s.opened[s.depth - 1], "\"{\" without \"}\"",
		    s.section[s.depth - 1]);
	buf_free(&s.seen);
	return err->len == before ? 0 : -1;
}
