package text

import (
	"unicode"
	"unicode/utf8"
)

// maxWordBytes is where a word is cut: base64 and other long runs are no words, and shall not fill memory.
const maxWordBytes = 64

// reader splits texts into words and numbers them.
type reader struct {
	numbers map[string]int32
	words   []string
	most    int // words that are read of a text
	word    []byte
	text    reading
}

// read returns the words of a text. A word is a run of letters, digits and marks in lower case, with apostrophes inside; in scripts that are
// written without spaces each character is a word. Bytes that are no UTF-8 stand between words.
func (r *reader) read(text string) reading {
	r.text, r.word = r.text[:0], r.word[:0]
	for i, c := range text {
		switch {
		case alone(c):
			r.end()
			r.letter(c)
			r.end()
		case inWord(c):
			r.letter(c)
		case apostrophe(c) && len(r.word) > 0 && followed(text[i:]):
			r.letter('\'')
		default:
			r.end()
		}
		if len(r.text) >= r.most {
			r.word = r.word[:0]
			break
		}
	}
	r.end()
	return append(reading(nil), r.text...)
}

func (r *reader) letter(c rune) {
	if len(r.word) < maxWordBytes {
		r.word = utf8.AppendRune(r.word, unicode.ToLower(c))
	}
}

// end ends the word at hand.
func (r *reader) end() {
	if len(r.word) == 0 {
		return
	}
	number, known := r.numbers[string(r.word)]
	switch {
	case known:
	case len(r.words) == maxKnown:
		number = -1
	default:
		number = int32(len(r.words)) // at most maxKnown
		r.words = append(r.words, string(r.word))
		r.numbers[r.words[number]] = number
	}
	r.text = append(r.text, number)
	r.word = r.word[:0]
}

func inWord(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) || unicode.IsMark(c) }

// alone tells whether a character belongs to a script that is written without spaces.
func alone(c rune) bool {
	return c >= 0x0E00 && unicode.In(c, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

func apostrophe(c rune) bool { return c == '\'' || c == '’' }

// followed tells whether a letter comes after the first character.
func followed(text string) bool {
	_, size := utf8.DecodeRuneInString(text)
	next, _ := utf8.DecodeRuneInString(text[size:])
	return inWord(next) && !alone(next)
}
