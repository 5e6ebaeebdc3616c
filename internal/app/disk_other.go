//go:build !unix

package app

import "errors"

func freeSpace(string) (int64, error) { return 0, errors.ErrUnsupported }

func openFilesLimit() (uint64, bool) { return 0, false }
